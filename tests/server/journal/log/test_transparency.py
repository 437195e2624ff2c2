"""TransparencyService over real TLS: a client that knows the authority alone holds the log to what it once showed."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import transparency_service_pb2 as pb
from fourseal.v1 import transparency_service_pb2_grpc
from sqlalchemy import Connection

from contract.log_certificate import read_log_certificate
from contract.log_entry import EntryKind, LogEntry, OperationBody
from contract.oids import DEFAULT_ARC
from mpc.errors import FoursealError, MalformedInput
from server.clock import system_clock
from server.identity import Authority, revoke
from server.identity.authority import _builder
from server.identity.own_profiles import authority_profile, own_profile
from server.journal.log import stage
from server.root.application import Server
from server.root.home import Home
from tests.server.harness import Client, ClientKey, call, database_path, running_server
from tests.server.storage.outside import execute
from transparency.checkpoint import Checkpoint, verify_checkpoint
from transparency.keys import VerifierKey
from transparency.note import Note
from transparency.receipt import Receipt
from transparency.verification import verify_consistency
from wire.status import RemoteError


def service(client: Client) -> Any:  # noqa: ANN401  # grpc gives its stubs no types
    """The service, as an agent calls it."""
    return transparency_service_pb2_grpc.TransparencyServiceStub(client.channel)


async def pinned(client: Client) -> VerifierKey:
    """The log's key, believed because the authority certified it."""
    answer = await call(service(client).GetLogKey, pb.GetLogKeyRequest())
    authority = x509.load_pem_x509_certificate(client.identity.authority_pem)
    key = read_log_certificate(answer.certificate_der, authority, DEFAULT_ARC, system_clock())
    assert key.to_text() == answer.verifier_key
    return key


async def newest(client: Client, key: VerifierKey) -> Checkpoint:
    """The newest checkpoint, verified."""
    answer = await call(service(client).GetCheckpoint, pb.GetCheckpointRequest())
    assert answer.create_time.ToDatetime().replace(tzinfo=system_clock().tzinfo) <= system_clock()
    return verify_checkpoint(Note.from_bytes(answer.checkpoint), key)


async def test_every_operation_is_proven(home: Home, alice: Client, key: ClientKey) -> None:
    """What an agent had done stands in the log, and the receipt convinces who has nothing but the log's key."""
    log_key = await pinned(alice)
    found = execute(database_path(home), "SELECT log_index, method, request_id, key_id FROM operations")
    assert found
    for index, method, request_id, key_id in found:
        answer = await call(service(alice).GetReceipt, pb.GetReceiptRequest(log_index=index))
        ((leaf,),) = execute(database_path(home), "SELECT entry FROM log_entries WHERE log_index = ?", index)
        Receipt.from_bytes(answer.receipt).verify(leaf, log_key)
        entry = LogEntry.from_der(leaf)
        assert entry.kind is EntryKind.OPERATION
        body = OperationBody.from_der(entry.body)
        assert (body.method, body.request_id, body.key_id) == (method, request_id, key_id)
    assert key.key_id in {key_id for *_, key_id in found}


async def test_the_log_is_held_to_what_it_showed(alice: Client, server: Server) -> None:
    """Checkpoints that were kept are proven to be states of the log that is there later."""
    log_key = await pinned(alice)
    kept = []
    for _ in range(6):
        await server._ground.database.write(_stage)
        kept.append(await newest(alice, log_key))
    for old, new in pairwise([*kept, kept[-1]]):
        request = pb.GetConsistencyProofRequest(old_size=old.size, new_size=new.size)
        proof = (await call(service(alice).GetConsistencyProof, request)).hashes
        verify_consistency(old.size, new.size, old.root, new.root, list(proof))


async def test_the_key_stays_after_a_restart(home: Home) -> None:
    """Who pinned the key need not do it again."""
    keys = set()
    for _ in range(2):
        async with running_server(home) as server:
            keys.add(server._rules.evidence.transparency.verifier.to_text())
    assert len(keys) == 1


def _stage(connection: Connection) -> int:
    return stage(connection, EntryKind.PERMISSION, b"body", system_clock()).index


async def reason_of(method: Any, request: Any) -> str:  # noqa: ANN401
    """Why a call is refused."""
    with pytest.raises(RemoteError) as refused:
        await call(method, request)
    return refused.value.reason


async def test_what_is_not_there(alice: Client) -> None:
    """Places behind the log's end, or of no log at all, are said not to be there."""
    log = service(alice)
    assert await reason_of(log.GetCheckpoint, pb.GetCheckpointRequest(stamped=True)) == "CHECKPOINT_NOT_FOUND"
    for index in (-(1 << 63), -1, 1 << 40, (1 << 63) - 1):
        assert await reason_of(log.GetReceipt, pb.GetReceiptRequest(log_index=index)) in {
            "LOG_INDEX_UNKNOWN",
            "CHECKPOINT_NOT_FOUND",
        }
    for old, new in ((1, 0), (-1, 0), (0, 1 << 40), (-(1 << 63), (1 << 63) - 1)):
        request = pb.GetConsistencyProofRequest(old_size=old, new_size=new)
        assert await reason_of(log.GetConsistencyProof, request) == "LOG_SIZE_UNKNOWN"


async def test_who_was_revoked_is_refused(server: Server, mallory: Client) -> None:
    """Whoever may not call hears nothing of the log."""
    log = service(mallory)
    await server._ground.database.write(lambda connection: revoke(connection, "mallory", system_clock()))
    for method, request in (
        (log.GetCheckpoint, pb.GetCheckpointRequest()),
        (log.GetConsistencyProof, pb.GetConsistencyProofRequest()),
        (log.GetReceipt, pb.GetReceiptRequest()),
    ):
        assert await reason_of(method, request) == "CALLER_UNKNOWN"


async def test_other_certificates_do_not_pass_for_the_logs(server: Server, alice: Client) -> None:
    """Not an agent's certificate, not one of another authority, not one whose time has not come."""
    authority = server._ground.database.read_now(lambda connection: _authority(server, connection))
    other = Authority(*_other_authority())
    own = server._rules.evidence.transparency.certificate_der
    key = VerifierKey.of("example.com/log", Ed25519PrivateKey.generate())
    foreign = other.issue_log_certificate(key, system_clock()).public_bytes(Encoding.DER)
    agents = x509.load_pem_x509_certificate(alice.identity.certificate_pem).public_bytes(Encoding.DER)
    now = system_clock()
    for shown, at in ((agents, now), (foreign, now), (own, now - timedelta(days=1)), (own + b"0", now)):
        with pytest.raises(FoursealError):
            read_log_certificate(shown, authority.certificate, DEFAULT_ARC, at)
    public_key = ec.generate_private_key(ec.SECP256R1()).public_key()
    usage = authority.arc.log
    profile = own_profile("log", public_key, [usage])
    wrong = authority._issue(profile, public_key, now, now + timedelta(days=1)).public_bytes(Encoding.DER)
    with pytest.raises(MalformedInput, match="not of a log"):
        read_log_certificate(wrong, authority.certificate, DEFAULT_ARC, now + timedelta(seconds=1))


def _authority(server: Server, connection: Connection) -> Authority:
    return Authority.load(connection, server._ground.custody.keys)


def _other_authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    profile = authority_profile("Fourseal development authority", key.public_key())
    now = system_clock()
    made = _builder(profile, profile.subject, key.public_key(), now - timedelta(days=1), now + timedelta(days=9))
    return made.sign(key, hashes.SHA256()), key
