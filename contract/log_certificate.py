"""The certificate of the log's key: so that whoever knows the authority knows the log, and can pin its key.

It is for an Ed25519 key, has an extended key usage of its own, and names the log's origin as
``urn:fourseal:log:<origin>``.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract import der
from contract.certificate_parts import load_certificate
from contract.chain import check_chain
from contract.oids import Arc
from mpc.errors import MalformedInput
from transparency.keys import VerifierKey

LOG_URI_PREFIX: Final = "urn:fourseal:log:"
"""Before a log's origin in its certificate's subject alternative name."""

_ORIGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,126}", re.ASCII)


def check_origin(origin: str) -> str:
    """Return it. Raises MalformedInput (LOG_KEY_MALFORMED) unless 1 to 127 of [A-Za-z0-9._/-], the first no sign."""
    der.require_that(_ORIGIN.fullmatch(origin), "an origin is of [A-Za-z0-9._/-]", reason="LOG_KEY_MALFORMED")
    return origin


def read_log_certificate(data: bytes, authority: x509.Certificate, arc: Arc, at: datetime) -> VerifierKey:
    """Read a log key's certificate that somebody shows, and check it.

    Args:
        data: DER.
        authority: that we know.
        arc: the installation's arc.
        at: when it must have been valid; aware.

    Returns:
        The log's key, with its origin as the name.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED, LOG_KEY_MALFORMED.
        VerificationFailed: what ``check_chain`` raises.
    """
    certificate = load_certificate(data)
    check_chain(certificate, authority, arc.log, at)
    key = certificate.public_key()
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        uris = []
    if not isinstance(key, Ed25519PublicKey) or len(uris) != 1 or not uris[0].startswith(LOG_URI_PREFIX):
        raise MalformedInput("CERTIFICATE_MALFORMED", "it is not of a log", problem="not of a log")
    return VerifierKey(check_origin(uris[0].removeprefix(LOG_URI_PREFIX)), key.public_bytes_raw())
