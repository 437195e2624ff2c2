"""What a caller asks of the agent, checked before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mpc.errors import MalformedInput
from mpc.four_prime_rsa import Purpose, SignatureAlgorithm
from mpc.four_prime_rsa.public_share import check_half_bits
from signer_agent.keystore.entries import GenerationRequest
from wire.catalogue import ServiceError
from wire.ids import check_key_id, check_request_id, new_request_id
from wire.limits import MAX_PAGE_SIZE

MAX_LABEL_CHARACTERS: Final = 64
MAX_DAILY_LIMIT: Final = 1_000_000_000


def generation_request(
    purpose: Purpose | str,
    half_bits: int,
    algorithms: Sequence[SignatureAlgorithm],
    daily_limit: int,
    label: str,
    request_id: str | None,
    now: datetime,
) -> GenerationRequest:
    """See ``AsyncAgent.generate_key``.

    Raises:
        FoursealError: FIELD_INVALID, HALF_BITS_WRONG, REQUEST_ID_MALFORMED.
    """
    check_half_bits(half_bits)
    if purpose not in list(Purpose):
        raise ServiceError("FIELD_INVALID", field="purpose", problem="it must be sign or decrypt")
    if not 0 <= daily_limit <= MAX_DAILY_LIMIT:
        raise ServiceError("FIELD_INVALID", field="daily_limit", problem=f"it must be 0 to {MAX_DAILY_LIMIT}")
    if algorithms and Purpose(purpose) is Purpose.DECRYPT:
        raise ServiceError("FIELD_INVALID", field="algorithms", problem="a decryption key has none")
    return GenerationRequest(
        request_id=check_request_id(request_id or new_request_id()),
        purpose=Purpose(purpose),
        half_bits=half_bits,
        algorithms=tuple(dict.fromkeys(algorithms)),
        daily_limit=daily_limit,
        label=_checked_label(label),
        create_time=now,
    )


def checked_page_size(page_size: int) -> int:
    """Return it. Raises ServiceError (FIELD_INVALID) unless it is 0 to 1000."""
    if not 0 <= page_size <= MAX_PAGE_SIZE:
        raise ServiceError("FIELD_INVALID", field="page_size", problem=f"it must be 0 to {MAX_PAGE_SIZE}")
    return page_size


def checked_key_name(key: str) -> str:
    """Return a key's id or label. Raises ServiceError (KEY_NOT_FOUND) if it is no text that a key could have."""
    if not 0 < len(key) <= MAX_LABEL_CHARACTERS or not key.isprintable():
        raise ServiceError("KEY_NOT_FOUND", key_id=printable(key))
    return key


def printable(text: str) -> str:
    """A caller's text as it may stand in an error: printable, and not long."""
    return "".join(character if character.isprintable() else "?" for character in text[:MAX_LABEL_CHARACTERS])


def is_key_id(text: str) -> bool:
    """Whether ``text`` has the form of a key id."""
    try:
        check_key_id(text)
    except MalformedInput:
        return False
    return True


def _checked_label(label: str) -> str:
    if len(label) > MAX_LABEL_CHARACTERS:
        problem = f"it is longer than {MAX_LABEL_CHARACTERS} characters"
    elif not label.isprintable() or label != label.strip():
        problem = "it must be printable, without spaces at its ends"
    elif is_key_id(label):
        problem = "it looks like a key id"
    else:
        return label
    raise ServiceError("FIELD_INVALID", field="label", problem=problem)
