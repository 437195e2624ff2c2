"""Worker processes at a real token: what they do, and what becomes of requests when one of them, or the token, goes."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from structlog.testing import CapturingLogger

from mpc.four_prime_rsa import PUBLIC_EXPONENT
from server.custody.pkcs11 import TokenAddress, WorkerPool
from server.custody.pkcs11.process import Refused
from server.errors import OperatorError
from tests.server.custody.pkcs11.softhsm import LABEL, PIN, SoftToken
from tests.server.harness import silent_log
from wire.catalogue import ServiceError

BITS = 2048
OTHER_ID = "ff" * 16
BASES = range(2, 202)


def make(pool: WorkerPool, purpose: str = "sign", object_id: str = "") -> tuple[str, int]:
    """A key in the token: its object and modulus."""
    object_id = object_id or secrets.token_hex(16)
    return object_id, int.from_bytes(pool.generate(object_id, "a", purpose, BITS), "big")


def power(pool: WorkerPool, object_id: str, modulus: int, base: int, purpose: str = "sign") -> int:
    """One raw RSA operation."""
    numbers = [object_id, f"{modulus:0{BITS // 4}x}", purpose, f"{base:0{BITS // 4}x}"]
    (result,) = pool.ask("exponentiate", operations=[numbers])
    return int(result, 16)


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    pause = threading.Event()
    while not condition():
        pause.wait(0.02)


def is_answered(pool: WorkerPool) -> bool:
    """Whether a worker is there."""
    try:
        return bool(pool.ask("status"))
    except ServiceError:
        return False


def test_raw_rsa(pool: WorkerPool, token: SoftToken) -> None:
    """What signs gives m^d mod N, so does what decrypts; each does its own thing alone, and no key comes out."""
    for purpose, other in (("sign", "decrypt"), ("decrypt", "sign")):
        object_id, modulus = make(pool, purpose)
        for base in (2, secrets.randbelow(modulus), modulus - 1):
            result = power(pool, object_id, modulus, base, purpose)
            assert pow(result, PUBLIC_EXPONENT, modulus) == base
        with pytest.raises(Refused, match="wrong"):
            power(pool, object_id, modulus, 2, other)
        said = token.tool("--list-objects", "--type", "privkey", "--id", object_id)
        assert f"Usage:      {purpose}\n" in said
        assert "Access:     sensitive, always sensitive, never extractable, local" in said
        assert pool.destroy(object_id)
        assert not pool.destroy(object_id)
        with pytest.raises(Refused, match="missing"):
            power(pool, object_id, modulus, 2, purpose)
    assert "Public Key" not in token.tool("--list-objects")


def test_mixed_up_and_planted_objects(pool: WorkerPool, token: SoftToken) -> None:
    """Another key's object is noticed by its modulus, one that was put in is not local, of an id there is one."""
    (one, first), (two, second) = make(pool), make(pool)
    for object_id, modulus in ((one, second), (two, first)):
        with pytest.raises(Refused, match="wrong"):
            power(pool, object_id, modulus, 2)
    key, planted = rsa.generate_private_key(PUBLIC_EXPONENT, BITS), "aa" * 16
    token.plant(key, planted)
    with pytest.raises(Refused, match="wrong"):
        power(pool, planted, key.public_key().public_numbers().n, 2)
    token.plant(key, one)
    fresh = WorkerPool(TokenAddress(str(token.module), LABEL, PIN), 1, 30.0, silent_log())
    with closing(fresh), pytest.raises(Refused, match="wrong"):
        power(fresh, one, first, 2)


def test_object_that_a_worker_does_not_see(token: SoftToken) -> None:
    """Its library passed it over, as one that another process was writing: it is used, and destroyed, all the same."""
    with closing(one_worker(token)) as pool, closing(one_worker(token)) as other:
        for is_destroyed in (False, True):
            before = set(token.folder.rglob("*.object"))
            object_id, modulus = make(other)
            (file,) = set(token.folder.rglob("*.object")) - before
            file.rename(token.folder / "elsewhere")
            make(other)  # now a library looks for what is new
            assert object_id not in {each["object_id"] for each in pool.ask("keys")}
            (token.folder / "elsewhere").rename(file)
            blind = pool.process_ids
            if is_destroyed:
                assert pool.destroy(object_id)
                assert object_id not in token.tool("--list-objects", "--type", "privkey")
            else:
                assert pow(power(pool, object_id, modulus, 2), PUBLIC_EXPONENT, modulus) == 2
            assert pool.process_ids != blind


def one_worker(token: SoftToken) -> WorkerPool:
    """A pool of one."""
    return WorkerPool(TokenAddress(str(token.module), LABEL, PIN), 1, 30.0, silent_log())


def test_one_probe_is_left(token: SoftToken, tmp_path: Path) -> None:
    """Where workers that started at the same time made several."""
    content = tmp_path / "content"
    content.write_bytes(b"probe")
    with closing(one_worker(token)) as pool:
        for _ in range(2):
            token.tool("--write-object", str(content), "--type", "data", "--label", "fourseal probe", "--private")
        assert token.probes() == 3
        one_worker(token).close()
        assert token.probes() == 1
        make(pool)


def test_worker_killed_in_the_middle(pool: WorkerPool) -> None:
    """Who had a request with it hears UNAVAILABLE; the other worker goes on, and a new one comes."""
    object_id, modulus = make(pool)
    until(lambda: len(pool.process_ids) == 2)
    before = set(pool.process_ids)
    for process_id in before:
        os.kill(process_id, signal.SIGSTOP)  # so that the request is in the middle for as long as we like
    with ThreadPoolExecutor(1) as threads:
        generation = threads.submit(make, pool, "sign", OTHER_ID)
        until(lambda: len(pool.process_ids) == 1)
        (busy,) = before - set(pool.process_ids)
        os.kill(busy, signal.SIGKILL)
        for process_id in before - {busy}:
            os.kill(process_id, signal.SIGCONT)
        with pytest.raises(ServiceError) as refused:
            generation.result()
    assert refused.value.reason == "CUSTODY_UNAVAILABLE"
    assert pow(power(pool, object_id, modulus, 2), PUBLIC_EXPONENT, modulus) == 2
    until(lambda: len(pool.process_ids) == 2)
    assert len(before & set(pool.process_ids)) == 1


def test_generations_leave_a_worker_to_others(pool: WorkerPool) -> None:
    """However many keys are wanted, a signature waits for none of them."""
    object_id, modulus = make(pool)
    until(lambda: len(pool.process_ids) == 2)
    workers = set(pool.process_ids)
    for process_id in workers:
        os.kill(process_id, signal.SIGSTOP)
    with ThreadPoolExecutor(4) as threads:
        generations = [threads.submit(make, pool) for _ in range(3)]
        until(lambda: len(pool.process_ids) == 1)
        (idle,) = pool.process_ids
        result = threads.submit(power, pool, object_id, modulus, 2)
        until(lambda: pool.process_ids == [])
        pool.check()  # all are at work
        os.kill(idle, signal.SIGCONT)
        assert pow(result.result(), PUBLIC_EXPONENT, modulus) == 2
        assert not any(each.done() for each in generations)
        os.kill((workers - {idle}).pop(), signal.SIGCONT)
        assert len({each.result() for each in generations}) == 3


def test_token_taken_out_and_put_back(pool: WorkerPool, token: SoftToken) -> None:
    """Nothing counts as missing, or as destroyed, while the token is away; when it is back all goes on."""
    object_id, modulus = make(pool)
    power(pool, object_id, modulus, 2)
    unused, other_modulus = make(pool)
    token.pull()
    attempts = (
        lambda: power(pool, object_id, modulus, 2),
        lambda: power(pool, unused, other_modulus, 2),
        lambda: pool.destroy(unused),
        lambda: pool.ask("keys"),
    )
    for attempt in attempts:
        with pytest.raises(ServiceError) as refused:
            attempt()
        assert (refused.value.reason, refused.value.metadata) == ("CUSTODY_UNAVAILABLE", {"retry_seconds": "1"})
    until(lambda: pool.process_ids == [])
    token.put_back()
    until(lambda: is_answered(pool))
    for name, number in ((object_id, modulus), (unused, other_modulus)):
        assert pow(power(pool, name, number, 2), PUBLIC_EXPONENT, number) == 2
    assert {each["object_id"] for each in pool.ask("keys")} == {object_id, unused}


def test_start_without_token_or_pin(token: SoftToken) -> None:
    """A wrong PIN is tried once, however long there is patience; a token that is late is waited for."""
    module = str(token.module)
    log = CapturingLogger()
    with pytest.raises(OperatorError, match="does not take the PIN: PinIncorrect") as wrong:
        WorkerPool(TokenAddress(module, LABEL, "9" * 6), 2, 3600.0, structlog.wrap_logger(log))
    assert "9" * 6 not in f"{wrong.value} {wrong.value.action} {TokenAddress(module, LABEL, '9' * 6)} {log.calls}"
    for address in (TokenAddress(module, "other", PIN), TokenAddress("/nowhere.so", LABEL, PIN)):
        with pytest.raises(OperatorError, match="no token") as missing:
            WorkerPool(address, 2, 0.0, silent_log())
        assert address.module in str(missing.value)
    token.pull()
    late = threading.Timer(0.5, token.put_back)
    late.start()
    WorkerPool(TokenAddress(module, LABEL, PIN), 2, 60.0, silent_log()).close()
    late.join()


def test_many_threads_and_pools_at_once(token: SoftToken) -> None:
    """Two servers that start at the same time, each with more threads than workers, both get in and compute right."""

    def serve() -> int:
        with closing(WorkerPool(TokenAddress(str(token.module), LABEL, PIN), 1, 60.0, silent_log())) as pool:
            object_id, modulus = make(pool)
            with ThreadPoolExecutor(4) as threads:
                results = list(threads.map(lambda base: power(pool, object_id, modulus, base), BASES))
            assert [pow(result, PUBLIC_EXPONENT, modulus) for result in results] == list(BASES)
        return len(results)

    with ThreadPoolExecutor(2) as servers:
        assert [each.result() for each in [servers.submit(serve) for _ in range(2)]] == [len(BASES)] * 2
