"""Certificates: how many a core issues, and of how many it says whether they still hold (OCSP).

Issuing is measured as the signature alone, and as it is recorded: one certificate for each commit, as an officer's
command does it. An answer is measured at the responder, which reads the database for each, and over HTTP on one
connection, with client and server on the same core.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Final

import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate, ocsp
from sqlalchemy import Connection

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.cores import pinned_to
from bench.harness.results import Chart, Outcome
from bench.harness.timing import Case, measure_rates
from bench.rig.ground import new_ground
from mpc.four_prime_rsa import PUBLIC_EXPONENT, Purpose
from server.clock import system_clock
from server.identity import (
    Authority,
    IssuedCertificate,
    Responder,
    RevocationLists,
    ensure_responder_key,
    issue_personal_certificate,
)
from server.identity.store.accounts import Account, AccountState, add_account
from server.identity.web import StatusListener
from server.root.ground import Ground

GROUP = "Certificates, one core"
_BITS: Final = 6144  # of a joint key of two 3072-bit halves
_LIFETIME: Final = timedelta(days=397)


def run(bench: Bench) -> Outcome:
    """Measure in a database that keeps what is issued."""
    plan = bench.plan
    with pinned_to({bench.cores.measured}), new_ground(bench.workspace / "certificates") as ground:
        authority = ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys))
        ground.database.write_now(_register)
        with _asking(ground, authority) as (answer, answer_by_http):
            cases = [
                Case("certificate", "make a certificate", lambda: _make(authority)),
                Case("certificate_issued", "issue one, and record it", lambda: _issue(ground, authority)),
                Case("ocsp_answer", "say whether one holds", answer),
                Case("ocsp_answer_http", "say it over HTTP, client included", answer_by_http),
            ]
            bench.progress.begin("certificates", len(cases) * (plan.rounds + 1))
            taken = measure_rates(GROUP, cases, plan.rounds, plan.slice_seconds, bench.progress.step)
    chart = Chart(GROUP, "operations a second", ("one core",), {each.title: (each,) for each in taken.values()})
    return Outcome(tuple(taken.values()), charts=(chart,))


def _register(connection: Connection) -> None:
    state = AccountState.ACTIVE
    add_account(connection, Account("signer", "Signer", state, "", secrets.token_bytes(16), "laptop", system_clock()))


def _make(authority: Authority) -> None:
    authority.issue_personal_certificate("signer", "Signer", Purpose.SIGN, _new_key(), system_clock(), _LIFETIME)


def _issue(ground: Ground, authority: Authority) -> IssuedCertificate:
    key_der = _new_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def unit(connection: Connection) -> IssuedCertificate:
        now = system_clock()
        return issue_personal_certificate(connection, authority, "signer", Purpose.SIGN, key_der, now, _LIFETIME)

    return ground.database.write_now(unit)


def _new_key() -> rsa.RSAPublicKey:
    """Another public key each time: nobody signs with it."""
    modulus = secrets.randbits(_BITS) | 1 << (_BITS - 1) | 1
    return rsa.RSAPublicNumbers(PUBLIC_EXPONENT, modulus).public_key()


@contextmanager
def _asking(ground: Ground, authority: Authority) -> Iterator[tuple[Callable[[], object], Callable[[], object]]]:
    """Ask about one certificate, at the responder and over HTTP."""
    now = system_clock()
    key = ground.database.write_now(
        lambda connection: ensure_responder_key(connection, ground.custody.sealer, authority, now)
    )
    issued = load_der_x509_certificate(_issue(ground, authority).certificate)
    digest = hashes.SHA1()  # noqa: S303  # what OCSP's clients name the issuer by
    builder = ocsp.OCSPRequestBuilder().add_certificate(issued, authority.certificate, digest)
    asked = builder.build().public_bytes(Encoding.DER)
    responder = Responder(ground.database, authority, key, system_clock, lifetime=timedelta(hours=1))
    lists = RevocationLists(ground.database, authority, system_clock, lifetime=timedelta(days=7))
    listener = StatusListener("127.0.0.1:0", responder, lists, structlog.get_logger(), shared_port=False)
    with asyncio.Runner() as runner:
        runner.run(_start(listener))
        with closing(socket.create_connection(("127.0.0.1", listener.port))) as line:
            yield (
                lambda: _require_good(runner.run(responder.answer(asked)).der),
                lambda: _require_good(_over_http(line, asked)),
            )
        runner.run(listener.stop())


async def _start(listener: StatusListener) -> None:
    listener.start()


def _over_http(line: socket.socket, asked: bytes) -> bytes:
    line.sendall(b"POST /ocsp HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n%b" % (len(asked), asked))
    received = b""
    while b"\r\n\r\n" not in received:
        received += line.recv(65536)
    head, _, content = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(content) < length:
        content += line.recv(65536)
    return content


def _require_good(answer: bytes) -> None:
    if ocsp.load_der_ocsp_response(answer).certificate_status is not ocsp.OCSPCertStatus.GOOD:
        raise BenchFailed("the responder does not know the certificate")
