"""Three attacks, tried for real with what each attacker has.

They want a signature of a document that its signer never saw. An attempt that succeeds raises AttackSucceeded, and the
demo fails.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import grpc
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fourseal.v1.algorithms_pb2 import SIGNATURE_ALGORITHM_RSA_PSS_SHA256
from fourseal.v1.signing_service_pb2 import SignDigestRequest
from fourseal.v1.signing_service_pb2_grpc import SigningServiceStub

from demo.forgery import forgeries
from demo.openssl import verify_command
from demo.people import Signer
from demo.show import Show
from demo.stage import AttackSucceeded, Stage
from mpc.engines import Gmpy2Engine
from mpc.errors import FoursealError, PeerMisbehaved
from mpc.four_prime_rsa import (
    EncodedMessage,
    JointPublicKey,
    KeyShare,
    Purpose,
    Role,
    SignatureAlgorithm,
    SigningShare,
    create_partial_signature,
    generate_key_share,
    parse_partial_signature,
)
from server.config import load_settings
from server.root.ground import open_ground
from server.root.home import Home as ServerHome
from server.root.log import configure_log
from signer_agent.home import Home as AgentHome
from signer_agent.keystore.entries import KeyRecord
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from wire.ids import new_request_id
from wire.status import error_from_rpc
from wire.tls import channel_credentials

if TYPE_CHECKING:  # exists in the stub file only
    from fourseal.v1.signing_service_pb2_grpc import SigningServiceAsyncStub

SERVER_HOME: Final = "server"
_FORGED: Final = "forged.txt"
_FORGED_SIGNATURE: Final = "forged.sig"
_FORGED_TEXT: Final = "Alice sells all of the furniture of contract 2026-1117 to Bob for 1.00 yuan.\n"
_CALL_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Scene:
    """What every attack plays in: a person's signing key, and a document that this person never saw."""

    stage: Stage
    show: Show
    victim: Signer
    store: KeyStore
    record: KeyRecord
    message: EncodedMessage
    genuine_signature: bytes


def set_scene(stage: Stage, show: Show, victim: Signer) -> Scene:
    """Choose the victim, and write the document that the attackers want signed."""
    (stage.folder / _FORGED).write_text(_FORGED_TEXT, encoding="utf-8")
    store = KeyStore.open(AgentHome(stage.folder / victim.name), Passphrase(victim.passphrase))
    (record,) = [record for record in store.records() if record.joint_key.purpose is Purpose.SIGN]
    digest = sha256(_FORGED_TEXT.encode()).digest()
    message = EncodedMessage(record.joint_key, SignatureAlgorithm.PSS_SHA256, digest, secrets.token_bytes(32))
    signature = (stage.folder / victim.signature).read_bytes()
    return Scene(stage, show, victim, store, record, message, signature)


def server_alone(scene: Scene) -> str:
    """Somebody took the whole server: database and master key."""
    scene.show.say(
        "An intruder has copied the server's database and its master key, and opens the server's half of Alice's key. "
        f"The wish: Alice's signature under {_FORGED}: {_FORGED_TEXT.strip()!r}"
    )
    home = ServerHome(scene.stage.folder / SERVER_HOME)
    key = scene.record.joint_key
    with open_ground(home, load_settings(home.folder), configure_log("error")) as ground:
        share = ground.custody.shares.open(scene.record.key_id, key.server)
    assert isinstance(share, SigningShare)  # noqa: S101  # an intruder at a token would have none
    tried = _try_forgeries(scene, share)
    old_partial = _client_residue(key, scene.genuine_signature)
    try:
        parse_partial_signature(scene.message, Role.CLIENT, old_partial)
    except PeerMisbehaved as error:
        scene.show.refusal("It gives Alice's old partial signature to the server's own rules", _reason(error))
    else:
        raise AttackSucceeded("the rules took an old partial signature for another document")
    return f"{tried + 1} attempts refused: one half is missing"


def client_alone(scene: Scene) -> str:
    """Somebody took the signer's machine, with the passphrase."""
    scene.show.say("A thief has Alice's machine and passphrase: the client's half of her key, and her certificate.")
    tried = _try_forgeries(scene, scene.store.share(scene.record.key_id))
    scene.show.say("Only the server could complete it, so Alice calls the operator, who revokes her agent:")
    command = ["fourseal-server", "revoke", scene.victim.name, "--home", SERVER_HOME]
    scene.show.command(command, who="operator")
    scene.show.output(scene.stage.must(command))
    outcome = scene.victim.robbed("sign", _FORGED, "--key", scene.record.key_id, "--yes", "--json")
    if outcome.succeeded or (scene.stage.folder / f"{_FORGED}.sig").exists():
        raise AttackSucceeded("the server signed for an agent that was revoked")
    refusal = json.loads(outcome.printed)["error"]
    scene.show.refusal("The server answers the thief", f"{refusal['reason']}: {refusal['message']}")
    return f"{tried + 1} attempts refused: one half is missing"


def forged_partial(scene: Scene) -> str:
    """Somebody has the signer's certificate, without the share."""
    scene.show.say("A thief has Bob's client certificate and its key, so the server answers; but not Bob's share.")
    before = _records(scene)
    key = scene.record.joint_key
    strangers_share = generate_key_share(Role.CLIENT, Purpose.SIGN, key.half_bits)
    attempts = {
        "A random number": secrets.randbelow(key.client.modulus).to_bytes(key.client.byte_length, "big"),
        "The number 1": (1).to_bytes(key.client.byte_length, "big"),
        "Bob's partial signature of the genuine contract": _client_residue(key, scene.genuine_signature),
        "A partial signature by a share of the thief's own": _partial_by(strangers_share, scene),
    }
    asyncio.run(_send_each(scene, attempts))
    if _records(scene) != before:
        raise AttackSucceeded("the server recorded a use of its share")
    scene.show.say("The server's records show no use of its share: it checks the client's partial first.")
    return f"{len(attempts)} attempts refused, culprit: the client"


def _try_forgeries(scene: Scene, share: KeyShare | None) -> int:
    if not isinstance(share, SigningShare):
        raise AttackSucceeded("the attacker could not even open the share: the attack was not tried")
    tried = forgeries(scene.message, share, scene.genuine_signature)
    command = verify_command(scene.victim.public_key, _FORGED_SIGNATURE, _FORGED)
    scene.show.say("Each try at a signature is put before OpenSSL:")
    scene.show.command(command)
    for forgery in tried:
        (scene.stage.folder / _FORGED_SIGNATURE).write_bytes(forgery.signature)
        outcome = scene.stage.run(command)
        if outcome.succeeded or "Verification failure" not in outcome.printed:
            raise AttackSucceeded(f"{forgery.how}: {outcome.printed}")
        scene.show.refusal(forgery.how, "openssl dgst: Verification failure")
    return len(tried)


def _client_residue(key: JointPublicKey, signature: bytes) -> bytes:
    """The client's partial of a joint signature: its residue mod N_client."""
    return (int.from_bytes(signature, "big") % key.client.modulus).to_bytes(key.client.byte_length, "big")


def _partial_by(share: KeyShare, scene: Scene) -> bytes:
    if not isinstance(share, SigningShare):
        raise TypeError(f"not a signing share: {share!r}")
    key = JointPublicKey(share.public, scene.record.joint_key.server)
    message = EncodedMessage(key, scene.message.algorithm, scene.message.digest, scene.message.salt)
    return create_partial_signature(share, message, Gmpy2Engine(), secrets.token_bytes).to_bytes()


async def _send_each(scene: Scene, attempts: dict[str, bytes]) -> None:
    identity = scene.store.identity()
    if identity is None:
        raise AttackSucceeded("there was no certificate to steal: the attack was not tried")
    key = identity.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    credentials = channel_credentials(identity.authority_pem, key, identity.certificate_pem)
    async with grpc.aio.secure_channel(identity.server_address, credentials) as channel:
        stub: SigningServiceAsyncStub = SigningServiceStub(channel)
        for what, partial in attempts.items():
            scene.show.refusal(what, await _send(stub, scene, partial))


async def _send(stub: SigningServiceAsyncStub, scene: Scene, partial: bytes) -> str:
    request = SignDigestRequest(
        request_id=new_request_id(),
        key_id=scene.record.key_id,
        algorithm=SIGNATURE_ALGORITHM_RSA_PSS_SHA256,
        digest=scene.message.digest,
        salt=scene.message.salt,
        client_partial=partial,
    )
    try:
        await stub.SignDigest(request, timeout=_CALL_SECONDS)
    except grpc.aio.AioRpcError as error:
        refusal = error_from_rpc(error)
        if (refusal.reason, refusal.metadata.get("culprit")) == ("PARTIAL_SIGNATURE_INVALID", "client"):
            return f"{refusal.code.name}, {_reason(refusal)}"
        raise AttackSucceeded(f"refused for another reason than the partial: {refusal}") from error
    raise AttackSucceeded("the server signed")


def _records(scene: Scene) -> str:
    command = ["fourseal-server", "records", "--key", scene.record.key_id, "--home", SERVER_HOME, "--json"]
    return scene.stage.must(command)


def _reason(error: FoursealError) -> str:
    return f"{error.reason}, to blame: the {error.metadata['culprit']}"
