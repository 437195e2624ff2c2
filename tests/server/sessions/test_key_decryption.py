"""The session's half of a decryption: for who joined, for ever, and of no use without the recipient's half."""

from __future__ import annotations

import secrets

import pytest
from fourseal.v1 import contract_session_pb2

from contract.content_key import ContentKey
from contract.key_ciphertext import NestedKeyCiphertext, read_key_ciphertext, write_key_ciphertext
from contract.key_sealing import joint_ciphertext, open_inner, seal_key
from contract.sealing import oaep_parameters
from mpc.errors import DecryptionFailed, FoursealError
from mpc.four_prime_rsa import (
    Role,
    combine_decryption,
    create_partial_decryption,
    parse_partial_decryption,
)
from server.root.home import Home
from tests.server.harness import ENGINE, database_bytes
from tests.server.sessions.people import Session, Signer, encrypt_certificate_of
from wire.ids import new_request_id
from wire.status import RemoteError

LABEL = secrets.token_bytes(32)
SECRET = secrets.token_bytes(32)


def sealed_for(recipient: Signer, session: Session) -> bytes:
    """A key ciphertext."""
    certificate = encrypt_certificate_of(session)
    made = seal_key(ContentKey(SECRET), LABEL, recipient.encrypt_certificate, certificate, secrets.token_bytes)
    return write_key_ciphertext(made)


def finish(recipient: Signer, session: Session, sealed: bytes, partial: bytes) -> bytes:
    """What the recipient makes of the session's partial."""
    certificate = encrypt_certificate_of(session)
    ciphertext = joint_ciphertext(read_key_ciphertext(sealed), recipient.encrypt_certificate, certificate)
    share = recipient.known.keys.encrypt_share
    assert share is not None
    ours = create_partial_decryption(share, ciphertext, ENGINE, secrets.token_bytes)
    theirs = parse_partial_decryption(ciphertext, Role.SERVER, partial)
    return combine_decryption(ciphertext, ours, theirs, oaep_parameters(LABEL))


async def test_joint(alice: Signer, bob: Signer, session: Session, session_home: Home) -> None:
    """Also after leaving and closing; a repeat has the same partial, which the journal does not keep."""
    sealed, request_id = sealed_for(bob, session), new_request_id()
    partial = await bob.decrypt(session.session_id, sealed, request_id)
    assert finish(bob, session, sealed, partial) == SECRET
    await bob.leave(session.session_id)
    await alice.close(session.session_id)
    assert await bob.decrypt(session.session_id, sealed, request_id) == partial
    assert await bob.decrypt(session.session_id, sealed) == partial
    assert partial not in database_bytes(session_home)


async def test_of_somebody_else(alice: Signer, bob: Signer, carol: Signer, session: Session) -> None:
    """Another member gets the session's half, and no further; who did not join, nothing."""
    sealed = sealed_for(bob, session)
    with pytest.raises(RemoteError) as refused:
        await carol.decrypt(session.session_id, sealed)
    assert refused.value.reason == "NOT_A_MEMBER"
    try:
        partial = await alice.decrypt(session.session_id, sealed)
    except RemoteError as error:  # it is no number below her joint modulus: then she has not even that
        assert error.reason == "DECRYPTION_FAILED"  # noqa: PT017
        return
    with pytest.raises(FoursealError):
        finish(alice, session, sealed, partial)


async def test_nested(people: dict[str, Signer]) -> None:
    """X25519 and RSA recipients; every wrong ciphertext has one answer."""
    dave, erin = people["dave"], people["erin"]
    made = await dave.create("erin", scheme=contract_session_pb2.SESSION_SCHEME_SEPARATE)
    session = await erin.join(made.session_id)
    for recipient in (dave, erin):
        inner = await recipient.decrypt(session.session_id, sealed_for(recipient, session))
        assert open_inner(recipient.known.keys.encrypt, inner, LABEL).to_secret_bytes() == SECRET
        other = dave if recipient is erin else erin
        with pytest.raises(DecryptionFailed):
            open_inner(other.known.keys.encrypt, inner, LABEL)
    reasons = set()
    for spoilt in (
        NestedKeyCiphertext(secrets.token_bytes(384), secrets.token_bytes(96)),
        NestedKeyCiphertext(bytes(384), secrets.token_bytes(96)),
        NestedKeyCiphertext(secrets.token_bytes(256), secrets.token_bytes(96)),
    ):
        with pytest.raises(RemoteError) as refused:
            await dave.decrypt(session.session_id, write_key_ciphertext(spoilt))
        reasons.add((refused.value.reason, str(refused.value)))
    assert len(reasons) == 1
