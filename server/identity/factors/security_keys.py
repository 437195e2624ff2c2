"""Security keys and biometric devices (WebAuthn level 2), by the ``webauthn`` library.

User verification is required: whoever finds the device cannot use it without its PIN, finger or face. A signature
counter that does not rise means that the device was copied, and is refused (section 6.1.1). Which make of device it is
does not matter: no attestation is asked for, and none is relied on.

The library is imported where it is used: it takes a twentieth of the time in which a server starts.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

CHALLENGE_BYTES: Final = 32
MAX_RESPONSE: Final = 32 * 1024
"""Characters of a response. Attestations with certificates have some thousands."""
_RELYING_PARTY_NAME: Final = "Fourseal"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """As what the server is known to devices.

    Args:
        party_id: a host name, or a suffix of one.
        origins: where the owner's software may run, such as "https://sign.example.org".
    """

    party_id: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Credential:
    """What the server keeps of a device: no secret."""

    credential_id: bytes
    public_key: bytes

    def to_bytes(self) -> bytes:
        """As it is kept."""
        content = {"credential_id": self.credential_id, "public_key": self.public_key}
        return json.dumps({name: base64.b64encode(value).decode() for name, value in content.items()}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Credential:
        """Read ``to_bytes``."""
        content: dict[str, Any] = json.loads(data)
        return cls(*(base64.b64decode(content[name]) for name in ("credential_id", "public_key")))


def registration_options(
    party: RelyingParty, user_handle: bytes, account: str, display_name: str, challenge: bytes, known: Sequence[bytes]
) -> str:
    """PublicKeyCredentialCreationOptions as JSON.

    Args:
        party: the server.
        user_handle: by which the device knows the account.
        account: its name.
        display_name: what people call it.
        challenge: 32 random bytes, to be signed.
        known: ids of credentials that the account has, which the device must not have.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=party.party_id,
        rp_name=_RELYING_PARTY_NAME,
        user_id=user_handle,
        user_name=account,
        user_display_name=display_name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(user_verification=UserVerificationRequirement.REQUIRED),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        supported_pub_key_algs=_algorithms(),
    )
    return options_to_json(options)


def challenge_of(options_json: str) -> bytes:
    """The challenge in options that we made."""
    text: str = json.loads(options_json)["challenge"]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def authentication_options(party: RelyingParty, challenge: bytes, known: Sequence[bytes]) -> str:
    """PublicKeyCredentialRequestOptions as JSON, for any of the account's devices."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=party.party_id,
        challenge=challenge,
        allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def check_registration(party: RelyingParty, response_json: str, challenge: bytes) -> tuple[Credential, int] | None:
    """The new device and its signature counter; None if the response does not hold."""
    from webauthn import verify_registration_response

    if len(response_json) > MAX_RESPONSE:
        return None
    try:
        verified = verify_registration_response(
            credential=response_json,
            expected_challenge=challenge,
            expected_rp_id=party.party_id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=_algorithms(),
        )
    except Exception:  # noqa: BLE001  # it reads what an attacker wrote: whatever it raises, the response does not hold
        return None
    return Credential(verified.credential_id, verified.credential_public_key), verified.sign_count


def check_authentication(
    party: RelyingParty, response_json: str, challenge: bytes, credential: Credential, counter: int
) -> int | None:
    """The device's new signature counter; None if the response does not hold, or is another device's."""
    from webauthn import verify_authentication_response

    if len(response_json) > MAX_RESPONSE:
        return None
    try:
        verified = verify_authentication_response(
            credential=response_json,
            expected_challenge=challenge,
            expected_rp_id=party.party_id,
            expected_origin=list(party.origins),
            credential_public_key=credential.public_key,
            credential_current_sign_count=counter,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001  # as above
        return None
    return verified.new_sign_count if verified.credential_id == credential.credential_id else None


def _algorithms() -> list[COSEAlgorithmIdentifier]:
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    return [
        COSEAlgorithmIdentifier.ECDSA_SHA_256,
        COSEAlgorithmIdentifier.EDDSA,
        COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
    ]
