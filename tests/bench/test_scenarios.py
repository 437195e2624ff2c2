"""Every scenario runs, and names what it promises to. Its figures, of so little work, mean nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from gmpy2 import mpz
from typer.testing import CliRunner

from bench.cli import SCENARIOS, app
from bench.errors import BenchFailed
from bench.harness.results import Outcome
from bench.peers import shoup
from bench.rig.client import KeyMaker
from bench.rig.command import SERVER, environment, operate
from bench.rig.engines import available_engines
from bench.rig.joint_pair import make_decryption_pair, make_signing_pair
from bench.rig.requests import check_signatures
from bench.rig.server import ServerProcess
from bench.rig.site import serving
from bench.rig.stored_keys import store_copies
from bench.scenarios import decryption, engine, joint, merkle, padding_oracle, soak
from bench.session import publish, run_scenarios
from mpc.engines import EngineName, Gmpy2Engine
from server.config import load_settings
from server.journal.log import LogReader
from server.root.ground import open_ground
from server.root.home import Home
from server.signing.opened_keys import server_share_of
from server.signing.store import list_keys
from tests.bench.forked_rig import forked_rig
from tests.bench.plans import TINY, silent_console, tiny_bench
from transparency.frontier import Frontier
from transparency.hashing import hash_leaf


def _names(outcome: Outcome) -> set[str]:
    return {result.name for result in outcome.results}


def _engine_ratios() -> set[str]:
    """The ratios of the engines that this machine has."""
    names = [made.name for made in available_engines()[0]]
    return {
        *("engine_over_bare_2048", "engine_checked_over_bare_2048"),
        *(f"{name}_over_gmpy2_2048" for name in names if name != "gmpy2"),
        *(f"server_half_{name}_over_openssl_2048" for name in names if name == "libcrypto"),
    }


def test_bare_operation_is_the_engines_operation() -> None:
    """What the engine is compared with computes the same."""
    share = make_signing_pair(2048).client
    base = 0x1234567
    (expected,) = Gmpy2Engine().exponentiate([(share.crt, base)], os.urandom)
    assert engine.bare_operation(share.crt, lambda: base)() == expected


def _joint_ratios() -> set[str]:
    """The ratios of the engines that this machine has."""
    others = ("whole", "shoup", "openssl_four_primes")
    return {f"joint_4096_{made.name}_over_{other}_4096" for made in available_engines()[0] for other in others}


def test_joint_decryption_ends_in_the_plaintext() -> None:
    """What is timed decrypts another ciphertext each time."""
    pair = make_decryption_pair(2048)
    for made in available_engines()[0]:
        assert len({decryption.joint(pair, made)() for _ in range(3)}) == 3


def _decryption_ratios() -> set[str]:
    engines = [made for made in available_engines()[0] if made.width == 1]
    return {f"joint_decryption_4096_{made.name}_over_whole_4096" for made in engines}


def test_shoups_shares_make_a_signature() -> None:
    """What ours is compared with is threshold RSA: a signature that anybody accepts, and none from a wrong share."""
    key, algorithm = shoup.deal(2048), joint.ALGORITHM
    digest, signature = shoup.signing(key, algorithm)()
    hash_algorithm = Prehashed(algorithm.hash.to_cryptography())
    key.public_numbers.public_key().verify(signature, digest, algorithm.to_cryptography_padding(), hash_algorithm)
    message, right = mpz(4711), shoup.partial(key, 0, mpz(4711))
    for wrong in (right, shoup.partial(key, 1, mpz(4712))):
        with pytest.raises(ValueError, match="do not give a signature"):
            shoup.combine(key, message, (right, wrong))


def test_joint_operation_makes_a_signature() -> None:
    """What is timed ends in a joint signature of the right length."""
    pair = make_signing_pair(2048)
    for made in available_engines()[0]:
        signatures = joint.joint(pair, made)()
        assert isinstance(signatures, list)
        assert [len(signature) for signature in signatures] == [pair.joint_key.byte_length] * made.width


def test_padding_oracle(tmp_path: Path) -> None:
    """A time of every kind and two scores of every failure."""
    outcome = padding_oracle.run(tiny_bench(tmp_path, os.sched_getaffinity(0)), 60)
    names = _names(outcome)
    assert {
        "time_valid",
        "time_separator_missing",
        "welch_t_random_first_byte_not_zero_over_random_first_byte_zero",
    } <= names
    assert len(names) == len(outcome.results) == 9 + 8 + 8
    assert all(len(result.samples) == 60 for result in outcome.results if result.name.startswith("time_"))
    assert "Chance brings scores within 4.5" in outcome.remarks[0]


def test_signature_that_does_not_hold_ends_the_run() -> None:
    """A figure is reported only for signatures that hold."""
    joint_key = make_signing_pair(2048).joint_key
    with pytest.raises(BenchFailed, match="does not hold"):
        check_signatures(joint_key, [(bytes(32), bytes(joint_key.byte_length))])


def test_stored_copies_are_whole_keys(tmp_path: Path) -> None:
    """Every copy's share opens, and the server's own check finds its records and their entries in the log."""
    bench = tiny_bench(tmp_path, os.sched_getaffinity(0))
    with serving(bench, "copies") as site:
        with KeyMaker(site.target) as maker:
            key_id = maker.generate(2048).key_id
        home = Home(site.server_folder)
        with open_ground(home, load_settings(home.folder), structlog.get_logger()) as ground:
            key_ids = store_copies(ground, key_id, 3, lambda: None)
            stored = ground.database.read_now(lambda connection: list_keys(connection, "load", None, 10))
            entries = ground.database.read_now(LogReader(ground.log_key.verifier).size)
            assert all(ground.custody.shares.open(key.key_id, server_share_of(key)) for key in stored)
        operate(SERVER, ["fsck", "--home", str(home.folder)], environment())
    assert {key.key_id for key in stored} == {key_id, *key_ids}
    assert entries == 2 * len(stored)


def test_tree_of_the_bench_is_a_tree() -> None:
    """What is measured has the nodes that a store would have."""
    hashes = [hash_leaf(bytes([number])) for number in range(11)]
    assert dict(merkle.Levels(b"".join(hashes))) == Frontier().append(hashes).nodes


def test_server_that_cannot_start_is_told(tmp_path: Path) -> None:
    """With the server's own words."""
    settings = {"FOURSEAL_DATABASE_URL": "mysql://nowhere"}
    with (
        pytest.raises(BenchFailed, match="URL names mysql"),
        ServerProcess(tmp_path / "home", os.sched_getaffinity(0), **settings),
    ):
        pass


_GENERATIONS = (
    "generation_2048",
    "share_generation_2048",
    "generation_exchange_2048",
    "pair_generation_apart_2048",
    "pair_generation_2048",
)
_OF_A_LOG = (
    *("append", "append_100", "prove", "verify", "prove_growth", "verify_growth"),  # the tree alone
    *("open", "open_and_prove"),  # in a database that the log's own appender filled
)


_TRUST_USES = ("ecdsa_p256_", "ecdsa_p256_cpu_", "rsa_3072_", "rsa_3072_cpu_")


def _expected_results() -> set[str]:
    engines, remarks = available_engines()
    assert len(engines) + len(remarks) == len(EngineName)
    return {
        *("bare_2048", "blinding_2048", "self_check_2048", "openssl_2048"),
        *(f"{kind}_{made.name}_2048" for kind in ("engine", "checked") for made in engines),
        *("whole_4096", "shoup_4096", "openssl_four_primes_4096", "whole_decryption_4096"),
        *(f"joint_4096_{made.name}" for made in engines),
        *(f"joint_decryption_4096_{made.name}" for made in engines if made.width == 1),
        *_GENERATIONS,
        *(f"{operation}_5" for operation in _OF_A_LOG),
        *("certificate", "certificate_issued", "ocsp_answer", "ocsp_answer_http"),
        *("trust_database_plain_p50", "trust_token_rsa_3072_p99", "trust_at_once", "pin_guesses"),
        *("verify_records", "verify_records_peak_memory_whole", "verify_records_peak_memory_short"),
        *("verify_bundle", "bare_bundle", "parts_bundle", "verify_bundle_peak_memory"),
        *("fsync", "grpc_engine_2048", "grpc_2048_1", "grpc_2048_1_batches_of_2", "grpc_generation_2048"),
        *(f"custody_{each}_2048" for each in ("single", "batch", "one_worker", "two_workers", "raw_rsa_cpu")),
        *(f"custody_outage_{each}" for each in ("calls", "refused", "left", "used_again", "return")),
        *("latency_2048_saturation", "latency_2048_50_p99_9", "growth_3_server_cpu", "sessions_3"),
        *("agent_2048_4", "agent_2048_pipelined", "agent_2048_pipelined_calls"),
        *(f"transactions_{each}" for each in ("1", "plain_4", "4_latency_p99", "4_server_cpu")),
        *(f"transactions_4_{step}_{each}" for step in ("propose", "sign", "confirm") for each in ("p50", "p99")),
        *("alarm_blocked", "alarm_blocked_p99", "alarm_released", "alarm_released_p99"),
        *("reports_1", "reports_1_server_cpu", "reports_100", "reports_100_server_cpu"),
        *("flood_alone", "flood_agent_p50", "flood_gateways", "flood_gateways_many_p99"),
        *(f"sources_3_{what}" for what in ("time", "cpu", "memory")),
        *("content_rate", "bare_stream_rate", "content_peak_memory_media_server", "envelope_2048_latency_p99"),
    }


@pytest.mark.slow
def test_everything_from_end_to_end(tmp_path: Path) -> None:
    """All scenarios of a bench with the real server and the real agent, and both files of the report."""
    with forked_rig():
        run, outcome = run_scenarios("bench", TINY, list(SCENARIOS.values()), silent_console())
    publish(tmp_path, "latest", run, outcome, silent_console())
    document = json.loads((tmp_path / "latest.json").read_text(encoding="utf-8"))
    assert set(document["ratios"]) == _engine_ratios() | _joint_ratios() | _decryption_ratios() | {
        "grpc_over_engine_gmpy2",
        "grpc_batch_over_engine_gmpy2",
        "custody_single_cpu_over_raw_rsa_2048",
        "custody_batch_cpu_over_raw_rsa_2048",
        "custody_two_workers_over_one_2048",
        "latency_p99_over_p50_at_half_load",
        "latency_p99_over_p50_at_half_load_even",
        "growth_million",
        "growth_million_sessions",
        "agent_pipelined_over_single_2048",
        "content_over_bare_stream",
        "content_over_tuned_stream",
        "envelope_2048_exponentiation",
        "members_3_over_2_for_each_recipient",
        "members_3_over_2_receive",
        "evidence_read_many_over_few",
        "evidence_open_many_over_few",
        "deposits_64_over_1",
        *(f"flood_{kind}_over_alone" for kind in ("agent", "gateways", "gateways_many")),
        "sources_time",
        "sources_cpu",
        "transactions_over_plain_1",
        "transactions_over_plain_4",
        "verify_bundle_over_bare",
        "verify_bundle_over_parts",
        "verify_records_memory_whole_over_short",
        *(f"trust_{custody}_{each}over_plain" for custody in ("database", "token") for each in _TRUST_USES),
    }
    samples = {result["name"]: result["samples"] for result in document["results"]}
    assert _expected_results() <= set(samples)
    (whole,), shares, (exchange,), (apart,) = (samples[name] for name in _GENERATIONS[:4])
    assert whole == pytest.approx(sum(shares) + exchange)
    assert apart == pytest.approx(sum(shares))
    assert (tmp_path / "latest.png").stat().st_size > 0
    assert samples["custody_outage_refused"][0] > 0
    assert samples["custody_outage_left"] == samples["custody_outage_used_again"] == [0]


@pytest.mark.slow
def test_soak(tmp_path: Path) -> None:
    """A rate and the server's memory after every piece."""
    outcome = soak.run(tiny_bench(tmp_path, os.sched_getaffinity(0)), soak.Extent(seconds=1))
    rate, memory = outcome.results
    assert (rate.name, memory.name, len(rate.samples)) == ("soak_rate", "soak_resident_memory", len(memory.samples))
    assert all(10 < mebibytes < 1000 for mebibytes in memory.samples)
    assert "verified" in outcome.remarks[0]


def test_soak_has_an_extent() -> None:
    """A number of signatures is kept to the last one, a time to the piece in which it ends."""
    assert soak.Extent.parse("8h") == soak.Extent(seconds=8 * 3600)
    counted = soak.Extent.parse("100001")
    pieces = list[int]()
    while piece := counted.next_piece(sum(pieces), 0.0, 0.0):
        pieces.append(piece)
    assert (sum(pieces), min(pieces)) == (100_001, 501)
    timed = soak.Extent.parse("30m")
    assert [timed.next_piece(soak.SMALLEST, seconds, 500.0) for seconds in (1799.9, 1800.0)] == [4500, 0]
    assert timed.next_piece(0, 0.0, 0.0) == timed.next_piece(0, 1800.0, 0.0) == soak.SMALLEST // 4


@pytest.mark.parametrize(
    "arguments",
    [["--only", "nothing"], ["--soak", "5"], ["--soak", "0m"], ["--soak", "30 days"], ["--unknown"]],
)
def test_wrong_command_is_refused(arguments: list[str]) -> None:
    """Before anything is measured, without a traceback."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
