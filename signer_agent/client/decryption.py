"""Joint decryption: the server's partial and ours, combined here; the server never sees the plaintext."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from fourseal.v1 import decryption_service_pb2

from mpc.engines import Engine
from mpc.errors import WrongPurpose, blaming
from mpc.four_prime_rsa import (
    Ciphertext,
    DecryptionShare,
    OaepParameters,
    Purpose,
    Role,
    combine_decryption,
    create_partial_decryption,
    parse_partial_decryption,
)
from mpc.secret import Secret
from signer_agent.client.keyring import Keyring
from wire.client.blame import answer_malformed
from wire.ids import new_request_id


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PreparedDecryption(Secret):
    """A ciphertext with the share that helps to open it."""

    ciphertext: Ciphertext
    share: DecryptionShare
    request: decryption_service_pb2.CreatePartialDecryptionRequest


def prepare_decryption(keyring: Keyring, key: str, data: bytes) -> PreparedDecryption:
    """Find the key and check the ciphertext's form.

    Raises:
        FoursealError: of ``Keyring.opened``; WRONG_PURPOSE, CIPHERTEXT_MALFORMED.
    """
    opened = keyring.opened(key)
    if not isinstance(opened.share, DecryptionShare):
        raise WrongPurpose(wanted=Purpose.DECRYPT, found=opened.share.purpose)
    ciphertext = Ciphertext(opened.record.joint_key, data)
    request = decryption_service_pb2.CreatePartialDecryptionRequest(
        request_id=new_request_id(), key_id=opened.record.key_id, ciphertext=data
    )
    return PreparedDecryption(ciphertext, opened.share, request)


def finish_decryption(
    prepared: PreparedDecryption,
    answer: decryption_service_pb2.CreatePartialDecryptionResponse,
    parameters: OaepParameters,
    engine: Engine,
) -> bytes:
    """Check the server's partial, make ours, combine them.

    Raises:
        PeerMisbehaved: PARTIAL_MALFORMED, PARTIAL_DECRYPTION_INVALID, ANSWER_MALFORMED; the culprit is the server.
        DecryptionFailed: for every failure of the padding.
        FaultDetected: a result of ours did not hold.
    """
    if answer.key_id != prepared.request.key_id:
        raise answer_malformed("it names another key than was asked for")
    with blaming(Role.SERVER):
        theirs = parse_partial_decryption(prepared.ciphertext, Role.SERVER, answer.partial_decryption)
    ours = create_partial_decryption(prepared.share, prepared.ciphertext, engine, secrets.token_bytes)
    return combine_decryption(prepared.ciphertext, ours, theirs, parameters)
