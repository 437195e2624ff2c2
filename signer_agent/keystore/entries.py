"""What the key store holds, each with a public part that is authenticated and a secret part that is sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from mpc.four_prime_rsa import (
    ClientCommitment,
    JointPublicKey,
    KeyShare,
    PublicShare,
    Purpose,
    Role,
    SignatureAlgorithm,
    load_key_share,
)
from mpc.four_prime_rsa.generation import NONCE_BYTES
from mpc.secret import Secret
from wire.client.documents import DocumentError, Fields, Json, bytes_to_text


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What a generation was asked for. Public.

    Args:
        request_id: chosen once for this generation.
        purpose: what the key will do.
        half_bits: size of each half.
        algorithms: what the server shall allow; empty for all.
        daily_limit: operations a day that the server shall allow; 0 for no limit.
        label: the name for people, or empty.
        create_time: when it began, UTC.
        replaces_key_id: of a re-key: the key that is replaced; else empty.
    """

    request_id: str
    purpose: Purpose
    half_bits: int
    algorithms: tuple[SignatureAlgorithm, ...]
    daily_limit: int
    label: str
    create_time: datetime
    replaces_key_id: str = ""

    def to_public(self) -> Json:
        """As it stands in the file."""
        replaces = {"replaces_key_id": self.replaces_key_id} if self.replaces_key_id else {}
        return replaces | {
            "request_id": self.request_id,
            "purpose": self.purpose.value,
            "half_bits": self.half_bits,
            "algorithms": [algorithm.value for algorithm in self.algorithms],
            "daily_limit": self.daily_limit,
            "label": self.label,
            "create_time": self.create_time.isoformat(),
        }

    @classmethod
    def from_public(cls, fields: Fields) -> Self:
        """Undo ``to_public``. Raises ValueError for anything else."""
        return cls(
            request_id=fields.text("request_id"),
            purpose=Purpose(fields.text("purpose")),
            half_bits=fields.integer("half_bits"),
            algorithms=tuple(SignatureAlgorithm(value) for value in fields.texts("algorithms")),
            daily_limit=fields.integer("daily_limit"),
            label=fields.text("label"),
            create_time=datetime.fromisoformat(fields.text("create_time")),
            replaces_key_id=fields.text("replaces_key_id") if fields.has("replaces_key_id") else "",
        )


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A finished joint key. Public.

    Args:
        key_id: the server's name of the key.
        request: what it was generated for.
        joint_key: both public shares.
    """

    key_id: str
    request: GenerationRequest
    joint_key: JointPublicKey

    def to_public(self) -> Json:
        """As it stands in the file."""
        return {
            "key_id": self.key_id,
            "request": self.request.to_public(),
            "client_modulus": bytes_to_text(self.joint_key.client.to_bytes()),
            "server_modulus": bytes_to_text(self.joint_key.server.to_bytes()),
        }

    @classmethod
    def from_public(cls, fields: Fields) -> Self:
        """Undo ``to_public``. Raises ValueError or FoursealError for anything else."""
        request = GenerationRequest.from_public(fields.fields("request"))
        client = PublicShare.from_bytes(Role.CLIENT, request.purpose, fields.data("client_modulus"))
        server = PublicShare.from_bytes(Role.SERVER, request.purpose, fields.data("server_modulus"))
        return cls(fields.text("key_id"), request, JointPublicKey(client, server))

    def load_share(self, secret: bytes) -> KeyShare:
        """Read the client's share. Raises DocumentError if it is not the half of this key."""
        share = load_key_share(Role.CLIENT, self.joint_key.purpose, secret)
        if share.public != self.joint_key.client:
            raise DocumentError("the share is no half of this key")
        return share


class PendingGeneration(Secret):
    """A generation that began: stored before its commitment leaves the process, removed when the key is stored.

    Args:
        request: what was asked for.
        client: our share, secret, and its commitment.
        replaced: of a re-key: the replaced key, which may be gone from the store before the generation is.
    """

    __slots__ = ("client", "replaced", "request")

    def __init__(
        self, request: GenerationRequest, client: ClientCommitment, replaced: JointPublicKey | None = None
    ) -> None:
        self.request = request
        self.client = client
        self.replaced = replaced

    def _public_summary(self) -> str:
        return f"request_id={self.request.request_id}"

    def to_public(self) -> Json:
        """As it stands in the file."""
        replaced = self.replaced
        modulus = {} if replaced is None else {"replaced_server_modulus": bytes_to_text(replaced.server.to_bytes())}
        return modulus | self.request.to_public()

    def to_secret_bytes(self) -> bytes:
        """Nonce and share, for the store to seal."""
        return self.client.nonce + self.client.share.to_secret_bytes()

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """Undo ``to_public`` and ``to_secret_bytes``. Raises ValueError or FoursealError for anything else."""
        request, replaced = GenerationRequest.from_public(fields), None
        share = load_key_share(Role.CLIENT, request.purpose, secret[NONCE_BYTES:])
        if fields.has("replaced_server_modulus"):
            server = PublicShare.from_bytes(Role.SERVER, request.purpose, fields.data("replaced_server_modulus"))
            replaced = JointPublicKey(share.public, server)
        return cls(request, ClientCommitment(share, secret[:NONCE_BYTES]), replaced)


@dataclass(frozen=True, slots=True)
class Baton:
    """What the next lease is taken with: whoever has a copy of the key store has it too, and only one can use it first.

    Args:
        certificate_sha256: of the certificate that it is for, DER, hex: one of another enrolment is worth nothing.
        value: as the server gave it with the last lease, secret; empty before the first one.
        request_id: under which it is presented; empty: it has not been presented yet.
    """

    certificate_sha256: str
    value: bytes = field(default=b"", repr=False)
    request_id: str = ""

    def to_public(self) -> Json:
        """As it stands in the file."""
        return {"certificate_sha256": self.certificate_sha256, "request_id": self.request_id}

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """Undo ``to_public``. Raises ValueError for anything else."""
        return cls(fields.text("certificate_sha256"), secret, fields.text("request_id"))
