"""Joint signatures: our partial, the server's answer, and whether that holds."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from fourseal.v1 import signing_service_pb2

from mpc.engines import Engine
from mpc.errors import FaultDetected, FoursealError, WrongPurpose
from mpc.four_prime_rsa import (
    EncodedMessage,
    PartialSignature,
    Purpose,
    SigningShare,
    check_joint_signature,
    create_partial_signatures,
)
from signer_agent.client.keyring import Keyring
from signer_agent.keystore.store import KeyStore
from signer_agent.model import DigestToSign, SignedDigest
from wire.client.blame import answer_malformed
from wire.convert import signature_algorithm_to_proto
from wire.ids import check_request_id
from wire.status import error_from_item


@dataclass(frozen=True, slots=True)
class PreparedSignature:
    """Our side of a joint signature. Holds no secret.

    Args:
        partial: our partial signature.
        request: for the server, with the same.
    """

    partial: PartialSignature
    request: signing_service_pb2.SignDigestRequest


@dataclass(frozen=True, slots=True)
class _Draft:
    """What is to be signed, and with what."""

    item: DigestToSign
    key_id: str
    share: SigningShare
    message: EncodedMessage


def prepare_signatures(
    keyring: Keyring, store: KeyStore, engine: Engine, items: Sequence[DigestToSign]
) -> list[PreparedSignature | FoursealError]:
    """Make our partial signatures; of an item that cannot be signed, the error instead.

    The errors: those of ``Keyring.opened``; WRONG_PURPOSE, DIGEST_LENGTH_WRONG, REQUEST_ID_MALFORMED; FAULT_DETECTED
    for all items, as the engine was given them together.
    """
    drafts = [_draft(keyring, store, item) for item in items]
    wishes = [(draft.share, draft.message) for draft in drafts if isinstance(draft, _Draft)]
    try:
        partials = iter(create_partial_signatures(wishes, engine, secrets.token_bytes))
    except FaultDetected as error:
        return [error if isinstance(draft, _Draft) else draft for draft in drafts]
    return [_prepared(draft, next(partials)) if isinstance(draft, _Draft) else draft for draft in drafts]


def _draft(keyring: Keyring, store: KeyStore, item: DigestToSign) -> _Draft | FoursealError:
    try:
        check_request_id(item.request_id)
        opened = keyring.opened(item.key)
        key_id, share = opened.record.key_id, opened.share
        if not isinstance(share, SigningShare):
            return WrongPurpose(wanted=Purpose.SIGN, found=share.purpose)
        salt = store.signature_salt(item.algorithm.salt_length, key_id, item.request_id, item.algorithm, item.digest)
        return _Draft(item, key_id, share, EncodedMessage(opened.record.joint_key, item.algorithm, item.digest, salt))
    except FoursealError as error:
        return error


def _prepared(draft: _Draft, partial: PartialSignature) -> PreparedSignature:
    item = draft.item
    request = signing_service_pb2.SignDigestRequest(
        request_id=item.request_id,
        key_id=draft.key_id,
        algorithm=signature_algorithm_to_proto(item.algorithm),
        digest=item.digest,
        salt=draft.message.salt,
        client_partial=partial.to_bytes(),
    )
    return PreparedSignature(partial, request)


def check_answer(prepared: PreparedSignature, answer: signing_service_pb2.SignDigestResponse) -> SignedDigest:
    """Check what the server returned.

    Raises:
        PeerMisbehaved: JOINT_SIGNATURE_INVALID, ANSWER_MALFORMED; the culprit is the server.
    """
    if (answer.key_id, answer.algorithm) != (prepared.request.key_id, prepared.request.algorithm):
        raise answer_malformed("it names another key or algorithm than was asked for")
    check_joint_signature(prepared.partial, answer.signature)
    return SignedDigest(answer.key_id, answer.signature)


def check_batch(
    prepared: Sequence[PreparedSignature], answer: signing_service_pb2.BatchSignDigestsResponse
) -> list[SignedDigest | FoursealError]:
    """Check what the server returned for each item; the outcomes are in the order of ``prepared``.

    Raises:
        PeerMisbehaved: ANSWER_MALFORMED: not as many results as items; the culprit is the server.
    """
    if len(answer.results) != len(prepared):
        raise answer_malformed("it has not as many results as items")
    return [_outcome(item, result) for item, result in zip(prepared, answer.results, strict=True)]


def _outcome(
    prepared: PreparedSignature, result: signing_service_pb2.BatchSignDigestsResult
) -> SignedDigest | FoursealError:
    if result.HasField("error"):
        return error_from_item(result.error)
    try:
        return check_answer(prepared, result.signed)  # a result that is not set is an empty one, and does not hold
    except FoursealError as error:
        return error
