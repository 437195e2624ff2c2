"""The sealed trailer: opens in its envelope alone; what opens is well-formed, or its author made it wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.content_key import ContentKey
from contract.signatures import SeparateSignature
from contract.trailer import MAX_TRAILER_BYTES, SignedStatement, open_trailer, seal_trailer
from tests.contract.refusals import damaged
from tests.contract.structures import ANSWER, HEADER, SEPARATELY_SIGNED, SIGNED, fields, sequence, tlv
from tests.mpc.refusals import malformed

CONTENT_KEY = ContentKey(b"K" * 32)
KEY = CONTENT_KEY.trailer_key(HEADER.core)


@pytest.mark.parametrize("signed", [SIGNED, SEPARATELY_SIGNED, replace(SIGNED, statement=ANSWER)])
def test_round_trip(signed: SignedStatement) -> None:
    """Of both schemes, and an answer."""
    assert open_trailer(KEY, seal_trailer(KEY, signed)) == signed


def test_what_does_not_open() -> None:
    """Flipped, cut, appended, empty, too long, of another envelope, sealed as content."""
    sealed = seal_trailer(KEY, SIGNED)
    other = replace(HEADER, envelope_id="envelope-" + "a" * 26)
    wrong = [
        *(b"", sealed[:-1], sealed[1:], sealed + b"\x00", sealed[:15], bytes(MAX_TRAILER_BYTES + 1)),
        *(bytes([*sealed[:place], sealed[place] ^ 1, *sealed[place + 1 :]]) for place in (0, 99, len(sealed) - 1)),
        seal_trailer(CONTENT_KEY.trailer_key(other.core), SIGNED),
        seal_trailer(ContentKey(b"L" * 32).trailer_key(HEADER.core), SIGNED),
        AESGCM(CONTENT_KEY.stream_key(HEADER.core).to_secret_bytes()).encrypt(bytes(12), SIGNED.to_der(), None),
        AESGCM(KEY.to_secret_bytes()).encrypt(bytes(11) + b"\x01", SIGNED.to_der(), None),
    ]
    for each in wrong:
        with damaged():
            open_trailer(KEY, each)


def test_what_its_author_made_wrong() -> None:
    """It opens, and is refused for what is in it."""
    members = fields(SEPARATELY_SIGNED.to_der())
    algorithm = tlv(0xA1, tlv(0x02, b"\x09") + tlv(0x04, bytes(64)) + tlv(0x04, bytes(256)))
    cases = [
        ("TRAILER_MALFORMED", b"garbage"),
        ("TRAILER_MALFORMED", SIGNED.to_der() + b"\x00"),
        ("STATEMENT_MALFORMED", sequence([tlv(0x04, b"garbage"), *members[1:]])),
        ("DESCRIPTION_MALFORMED", sequence([members[0], tlv(0x04, b"garbage"), members[2]])),
        ("SIGNATURE_MALFORMED", sequence([*members[:2], algorithm])),
        ("TRAILER_MALFORMED", sequence([*members[:2], tlv(0xA2, b"")])),
    ]
    for reason, plaintext in cases:
        sealed = AESGCM(KEY.to_secret_bytes()).encrypt(bytes(12), plaintext, None)
        with malformed(reason):
            open_trailer(KEY, sealed)
    assert isinstance(SEPARATELY_SIGNED.signature, SeparateSignature)
