"""Personal certificates and those of organisations' keys, as whoever verifies statements and uses reads them.

Whether the authority issued one, and whether it was valid at some time, says ``chain``. Its usages tell it from
certificates of contract sessions, whose keys are halves: what a client alone signs is no statement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from contract.certificate_parts import (
    account_name_of,
    extensions_of,
    load_certificate,
    malformed,
    organisation_name_of,
    public_key_of,
    usages_of,
)
from contract.profiles import DOCUMENT_USAGES
from contract.trusteeship.operations import OrganisationPublicKey
from mpc.four_prime_rsa import Purpose


@dataclass(frozen=True, slots=True)
class PersonalCertificate:
    """A personal certificate for signing.

    Args:
        certificate: as issued.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED.
    """

    certificate: x509.Certificate
    account: str = field(init=False)
    public_key: rsa.RSAPublicKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        extensions = extensions_of(self.certificate)
        key = public_key_of(self.certificate)
        if _purpose(extensions) is not Purpose.SIGN or not isinstance(key, rsa.RSAPublicKey):
            raise malformed("it is no personal certificate for signing")
        object.__setattr__(self, "account", account_name_of(extensions))
        object.__setattr__(self, "public_key", key)

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read a certificate's DER. Raises as the constructor does."""
        return cls(load_certificate(data))


@dataclass(frozen=True, slots=True)
class OrganisationCertificate:
    """A certificate of an organisation's key.

    Args:
        certificate: as issued.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED.
    """

    certificate: x509.Certificate
    organisation: str = field(init=False)
    purpose: Purpose = field(init=False)
    public_key: OrganisationPublicKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        extensions = extensions_of(self.certificate)
        key = public_key_of(self.certificate)
        if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise malformed("a key of a kind that organisations do not have")
        object.__setattr__(self, "organisation", organisation_name_of(extensions))
        object.__setattr__(self, "purpose", _purpose(extensions))
        object.__setattr__(self, "public_key", key)

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read a certificate's DER. Raises as the constructor does."""
        return cls(load_certificate(data))


def _purpose(extensions: x509.Extensions) -> Purpose:
    usages = tuple(usages_of(extensions))
    for purpose, expected in DOCUMENT_USAGES.items():
        if usages == expected:
            return purpose
    raise malformed("an extended key usage that is not the one expected")
