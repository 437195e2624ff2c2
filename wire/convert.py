"""Values of the protos and ours, in both directions, strictly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from fourseal.v1 import algorithms_pb2, certificate_service_pb2, key_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from mpc.errors import MalformedInput
from mpc.four_prime_rsa import HashAlgorithm, Purpose, SignatureAlgorithm
from wire.catalogue import ServiceError

_SIGNATURE_ALGORITHMS: Final = {
    algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PSS_SHA256: SignatureAlgorithm.PSS_SHA256,
    algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PSS_SHA384: SignatureAlgorithm.PSS_SHA384,
    algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PSS_SHA512: SignatureAlgorithm.PSS_SHA512,
    algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PKCS1_SHA256: SignatureAlgorithm.PKCS1_SHA256,
    algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PKCS1_SHA384: SignatureAlgorithm.PKCS1_SHA384,
    algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PKCS1_SHA512: SignatureAlgorithm.PKCS1_SHA512,
}
_HASH_ALGORITHMS: Final = {
    algorithms_pb2.HASH_ALGORITHM_SHA256: HashAlgorithm.SHA256,
    algorithms_pb2.HASH_ALGORITHM_SHA384: HashAlgorithm.SHA384,
    algorithms_pb2.HASH_ALGORITHM_SHA512: HashAlgorithm.SHA512,
}
_PURPOSES: Final = {key_pb2.KEY_PURPOSE_SIGN: Purpose.SIGN, key_pb2.KEY_PURPOSE_DECRYPT: Purpose.DECRYPT}

_SIGNATURE_ALGORITHMS_BACK: Final = {ours: proto for proto, ours in _SIGNATURE_ALGORITHMS.items()}
_HASH_ALGORITHMS_BACK: Final = {ours: proto for proto, ours in _HASH_ALGORITHMS.items()}
_PURPOSES_BACK: Final = {ours: proto for proto, ours in _PURPOSES.items()}
_REASON_PREFIX: Final = "REVOCATION_REASON_"
_CALLERS_REASONS: Final = frozenset(certificate_service_pb2.RevocationReason.values()) - {
    certificate_service_pb2.REVOCATION_REASON_UNSPECIFIED,
    certificate_service_pb2.REVOCATION_REASON_PRIVILEGE_WITHDRAWN,
}


def signature_algorithm_from_proto(value: algorithms_pb2.SignatureAlgorithm.ValueType) -> SignatureAlgorithm:
    """Raises MalformedInput (ALGORITHM_UNKNOWN) for a value that is not set or not known."""
    if value not in _SIGNATURE_ALGORITHMS:
        raise MalformedInput("ALGORITHM_UNKNOWN", f"no signature algorithm has the number {value}", found=value)
    return _SIGNATURE_ALGORITHMS[value]


def signature_algorithm_to_proto(algorithm: SignatureAlgorithm) -> algorithms_pb2.SignatureAlgorithm.ValueType:
    """The proto's value."""
    return _SIGNATURE_ALGORITHMS_BACK[algorithm]


def hash_algorithm_from_proto(value: algorithms_pb2.HashAlgorithm.ValueType) -> HashAlgorithm:
    """Raises MalformedInput (ALGORITHM_UNKNOWN) for a value that is not set or not known."""
    if value not in _HASH_ALGORITHMS:
        raise MalformedInput("ALGORITHM_UNKNOWN", f"no hash algorithm has the number {value}", found=value)
    return _HASH_ALGORITHMS[value]


def hash_algorithm_to_proto(algorithm: HashAlgorithm) -> algorithms_pb2.HashAlgorithm.ValueType:
    """The proto's value."""
    return _HASH_ALGORITHMS_BACK[algorithm]


def purpose_from_proto(value: key_pb2.KeyPurpose.ValueType) -> Purpose:
    """Raises MalformedInput (PURPOSE_UNKNOWN) for a value that is not set or not known."""
    if value not in _PURPOSES:
        raise MalformedInput("PURPOSE_UNKNOWN", f"no purpose has the number {value}", found=value)
    return _PURPOSES[value]


def purpose_to_proto(purpose: Purpose) -> key_pb2.KeyPurpose.ValueType:
    """The proto's value."""
    return _PURPOSES_BACK[purpose]


def timestamp_of(time: datetime) -> Timestamp:
    """An aware time as the protos have it."""
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


def time_of(timestamp: Timestamp, field: str) -> datetime:
    """A time of a request, UTC.

    Raises:
        ServiceError: FIELD_INVALID: not a time of the years 1 to 9999.
    """
    try:
        return timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise ServiceError("FIELD_INVALID", field=field, problem="no time of the years 1 to 9999") from None


def certificate_purpose_to_proto(purpose: Purpose) -> certificate_service_pb2.CertificatePurpose.ValueType:
    """What a certificate for a key of that purpose is for."""
    if purpose is Purpose.SIGN:
        return certificate_service_pb2.CERTIFICATE_PURPOSE_SIGN
    return certificate_service_pb2.CERTIFICATE_PURPOSE_ENCRYPT


def revocation_reason_to_proto(name: str | None) -> certificate_service_pb2.RevocationReason.ValueType:
    """A reason by its name without the prefix, in capitals; None for none."""
    return certificate_service_pb2.RevocationReason.Value(f"{_REASON_PREFIX}{name or 'UNSPECIFIED'}")


def revocation_reason_from_proto(reason: certificate_service_pb2.RevocationReason.ValueType) -> str:
    """The name, as ``revocation_reason_to_proto`` takes it, of a reason that a caller may give.

    Raises:
        ServiceError: FIELD_INVALID: no reason, or one that is the operator's.
    """
    if reason not in _CALLERS_REASONS:
        raise ServiceError("FIELD_INVALID", field="reason", problem="not a reason")
    return certificate_service_pb2.RevocationReason.Name(reason).removeprefix(_REASON_PREFIX)
