"""An outside authority above ours: our request goes out, its certificate for our key comes in.

The authority keeps its name and its key, so everything that it has issued, and will issue, leads to either of two
certificates: its own, which agents trust, and the outside authority's, which others trust. Nothing is issued anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from server.errors import OperatorError
from server.identity.store import agents as store

_NAME: Final = "authority-outside"
_ACTION: Final = "Have it issued for the request of fourseal-server authority request, as a subordinate authority."


def accept_outside_certificate(
    connection: Connection,
    own: x509.Certificate,
    certificate: x509.Certificate,
    above: Sequence[x509.Certificate],
    now: datetime,
) -> None:
    """Check the certificate that an outside authority has issued for ours, and keep it; one that was kept is replaced.

    (1) it is for our name and key, under the identifier that what we issue names the key by;
    (2) it and all above it are certificates of authorities, valid now, with room below;
    (3) each is signed by the next, and the last by itself.

    Args:
        connection: a transaction that may write.
        own: the certificate of our authority.
        certificate: what came back.
        above: who issued it, who issued that, and so on to the root.
        now: the present time.

    Raises:
        OperatorError: one of these does not hold.
    """
    if certificate.subject != own.subject or certificate.public_key() != own.public_key():  # (1)
        raise OperatorError("the certificate is for another name or key than our authority's", _ACTION)
    if _identifier(certificate) not in (None, _identifier(own)):
        raise OperatorError("the certificate has another subject key identifier than the request", _ACTION)
    chain = [certificate, *above]
    for depth, each in enumerate(chain):  # (2)
        _require_authority(each, depth, now)
    for each, issuer in zip(chain, [*above, chain[-1]], strict=True):  # (3)
        try:
            each.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            name = each.subject.rfc4514_string()
            raise OperatorError(
                f"{name} is not signed by the next certificate of the chain",
                "Give the whole chain, each behind what it has issued, the root as the last.",
            ) from None
    der = certificate.public_bytes(Encoding.DER)
    store.put_credential(connection, _NAME, store.Credential(der, b"", certificate.not_valid_after_utc))


def find_outside_certificate(connection: Connection) -> x509.Certificate | None:
    """The certificate that was accepted last."""
    kept = store.find_credential(connection, _NAME)
    return None if kept is None else x509.load_der_x509_certificate(kept.certificate)


def _require_authority(certificate: x509.Certificate, depth: int, now: datetime) -> None:
    name = certificate.subject.rfc4514_string()
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise OperatorError(f"the certificate of {name} is not valid now", "Have another one issued.")
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        raise OperatorError(f"the certificate of {name} is not one of an authority", _ACTION) from None
    if not (constraints.ca and usage.key_cert_sign and (depth > 0 or usage.crl_sign)):
        raise OperatorError(f"the certificate of {name} is not one of an authority that revokes", _ACTION)
    if constraints.path_length is not None and constraints.path_length < depth:
        raise OperatorError(f"the certificate of {name} leaves no room for authorities below it", _ACTION)


def _identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None
