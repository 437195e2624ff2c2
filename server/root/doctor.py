"""Checks of everything that a server needs, done for real. What ``fourseal-server doctor`` runs.

A check that fails does not keep the others from being made, unless they stand on it.
"""

from __future__ import annotations

import itertools
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from mpc.engines import EngineName, Gmpy2Engine
from mpc.errors import FoursealError
from mpc.four_prime_rsa import (
    EncodedMessage,
    JointPublicKey,
    Purpose,
    Role,
    SignatureAlgorithm,
    SigningShare,
    combine_signature,
    create_partial_signature,
    generate_key_share,
)
from server.clock import system_clock
from server.config import load_settings
from server.errors import OperatorError
from server.identity import Authority, find_server_certificate_end
from server.journal import probe
from server.root.engines import measure_engines
from server.root.ground import Ground, open_ground
from server.root.home import Home, Serving
from server.root.relay import inspect_relay
from server.sessions import expected_shares as session_shares
from server.signing import expected_shares as key_shares
from server.signing import inspect_shares
from wire import tls

_LEAST_FREE_BYTES: Final = 256 * 1024 * 1024
_WARN_BEFORE: Final = timedelta(days=30)
_SELF_TEST_HALF_BITS: Final = 2048
_CALL_SECONDS: Final = 5.0


class State(StrEnum):
    """What a check came to."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, what it came to, what was seen, what to do."""

    check: str
    state: State
    detail: str
    action: str = ""


Check = Callable[[], Finding]


def examine(home: Home, log: structlog.stdlib.BoundLogger) -> Iterator[Finding]:
    """Make every check; yields each finding when it is there."""
    yield _guarded("arithmetic", _check_arithmetic)
    yield _guarded("home folder", lambda: _check_folder(home))
    try:
        settings = load_settings(home.folder)
        settings.require_separable()
        ground = open_ground(home, settings, log)
    except OperatorError as error:
        yield Finding("configuration, master key, database", State.FAILED, str(error), error.action)
        return
    yield Finding("configuration, master key", State.OK, "readable, and the master key fits the database")
    with ground:
        yield from _check_engines(settings.engine)
        yield _guarded("database", lambda: _check_database(ground))
        yield _guarded("key shares", lambda: _check_shares(ground))
        if not settings.relay_address:
            yield _guarded("relay content", lambda: _check_content(home, ground))
        yield _guarded("certificate authority", lambda: _check_authority(ground))
        yield _guarded("server certificate", lambda: _check_certificate(ground))
        yield _guarded("running server", lambda: _check_running(home, ground))


def _guarded(name: str, check: Check) -> Finding:
    try:
        return check()
    except OperatorError as error:
        return Finding(name, State.FAILED, str(error), error.action)
    except FoursealError as error:
        return Finding(name, State.FAILED, str(error))


def _check_arithmetic() -> Finding:
    """A joint signature from end to end, with shares that are thrown away."""
    client, server = (generate_key_share(role, Purpose.SIGN, _SELF_TEST_HALF_BITS) for role in Role)
    if not isinstance(client, SigningShare) or not isinstance(server, SigningShare):
        return Finding("arithmetic", State.FAILED, "shares of the wrong purpose", "Install Fourseal again.")
    algorithm = SignatureAlgorithm.PSS_SHA256
    joint_key = JointPublicKey(client.public, server.public)
    size = algorithm.hash.digest_size
    message = EncodedMessage(joint_key, algorithm, secrets.token_bytes(size), secrets.token_bytes(size))
    engine = Gmpy2Engine()
    partials = [create_partial_signature(share, message, engine, secrets.token_bytes) for share in (client, server)]
    combine_signature(message, *partials)  # checks itself
    return Finding("arithmetic", State.OK, f"engine {engine.name}: a joint signature was made and checked")


def _check_engines(used: EngineName) -> Iterator[Finding]:
    """Every engine: whether it is there, and how fast."""
    try:
        reports = measure_engines()
    except FoursealError as error:
        yield Finding("engines", State.FAILED, str(error), "Set engine to gmpy2, and look at the machine.")
        return
    for report in reports:
        check, in_use = f"engine {report.name}", report.name is used
        if report.missing:
            text = f"not available, because {report.missing}"
            action = "Set engine to another one, or install what is missing." if in_use else ""
            yield Finding(check, State.FAILED if in_use else State.SKIPPED, text, action)
        else:
            rates = ", ".join(f"{rate:.0f} of {bits} bits" for bits, rate in report.rates.items())
            text = f"{rates} a second and core; {'in use' if in_use else 'not in use'}"
            yield Finding(check, State.OK, text)


def _check_folder(home: Home) -> Finding:
    try:
        mode = home.folder.stat().st_mode
        free = shutil.disk_usage(home.folder).free
    except OSError as error:
        text = f"{home.folder}: {error.strerror}"
        return Finding("home folder", State.FAILED, text, f"Run fourseal-server init --home {home.folder}.")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        text = f"{home.folder} is open to others than its owner"
        return Finding("home folder", State.WARNING, text, f"Close it: chmod 700 {home.folder}")
    text = f"{home.folder}, {free // 2**20} MiB free"
    if free < _LEAST_FREE_BYTES:
        return Finding("home folder", State.WARNING, text, "Make room: without it the server refuses to sign.")
    return Finding("home folder", State.OK, text)


def _check_database(ground: Ground) -> Finding:
    damage = ground.database.read_now(ground.backend.damage)
    if damage:
        return Finding("database", State.FAILED, "; ".join(damage), "Restore it from a backup.")
    ground.database.write_now(lambda connection: probe(connection, ground.clock()))
    return Finding("database", State.OK, "sound; a record was written and taken out again")


def _check_shares(ground: Ground) -> Finding:
    expected = itertools.chain(key_shares(ground.database), session_shares(ground.database))
    found = inspect_shares(ground.custody.shares, expected)
    if found.damaged:
        text = f"{len(found.damaged)} missing or damaged: {', '.join(found.damaged[:5])}"
        return Finding("key shares", State.FAILED, text, "Restore the database from a backup.")
    if found.left_over:
        text = f"{len(found.left_over)} not erased: {', '.join(found.left_over[:5])}"
        return Finding("key shares", State.FAILED, text, "Destroy the keys again; tell the makers of Fourseal.")
    return Finding("key shares", State.OK, f"{found.sound} opened")


def _check_content(home: Home, ground: Ground) -> Finding:
    found = inspect_relay(ground.database, home.folder)
    if found.damaged:
        text = f"{len(found.damaged)} missing or damaged: {', '.join(found.damaged[:5])}"
        return Finding("relay content", State.FAILED, text, "Ask their authors to send them again.")
    if found.left_over:
        text = f"{len(found.left_over)} files that nobody needs: {', '.join(found.left_over[:5])}"
        return Finding("relay content", State.WARNING, text, "Start the server: it deletes them, or logs why not.")
    return Finding("relay content", State.OK, f"{found.sound} contents read")


def _check_authority(ground: Ground) -> Finding:
    authority = ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys))
    if not authority.works():
        text = "its private key is missing, damaged or was tampered with"
        return Finding(
            "certificate authority", State.FAILED, text, "Restore the token, or the database, from a backup."
        )
    end = authority.certificate.not_valid_after_utc
    return _end_of("certificate authority", end, "Set up a new server: its agents will have to enrol there.")


def _check_certificate(ground: Ground) -> Finding:
    end = ground.database.read_now(find_server_certificate_end)
    if end is None:
        return Finding("server certificate", State.SKIPPED, "made at the first start")
    return _end_of("server certificate", end, "Start the server: it renews its own certificate.")


def _end_of(check: str, end: datetime, action: str) -> Finding:
    now = system_clock()
    text = f"good until {end.isoformat(timespec='seconds')}"
    if end <= now:
        return Finding(check, State.FAILED, text, action)
    if end - now < _WARN_BEFORE:
        return Finding(check, State.WARNING, text, action)
    return Finding(check, State.OK, text)


def _check_running(home: Home, ground: Ground) -> Finding:
    """Calls the server as an agent without a certificate would."""
    serving = Serving.read(home.serving)
    if serving is None:
        return Finding("running server", State.SKIPPED, "none runs in this folder")
    authority = ground.database.read_now(Authority.find_certificate_pem)
    with grpc.secure_channel(serving.enrolment_server, tls.channel_credentials(authority)) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=_CALL_SECONDS, wait_for_ready=False
            )
        except grpc.RpcError as error:
            text = f"{serving.enrolment_server} does not answer: {error.code().name}"
            return Finding("running server", State.FAILED, text, "Look into its log, and start it again.")
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        text = f"{serving.server} says that it is not well"
        return Finding("running server", State.FAILED, text, "Look into its log.")
    return Finding("running server", State.OK, f"{serving.server} serves, process {serving.process_id}")
