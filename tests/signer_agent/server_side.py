"""The server's side of the protocol in memory, right by the same ``mpc``: what a cheating server starts from."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import (
    decryption_service_pb2,
    enrolment_service_pb2,
    key_pb2,
    key_service_pb2,
    lease_service_pb2,
    signing_service_pb2,
)
from google.protobuf.timestamp_pb2 import Timestamp

from mpc.errors import FoursealError
from mpc.four_prime_rsa import (
    Ciphertext,
    EncodedMessage,
    GenerationTerms,
    JointPublicKey,
    KeyShare,
    Role,
    answer_commitment,
    check_opening,
    combine_signature,
    create_partial_decryption,
    create_partial_signature,
    generate_key_share,
    parse_partial_signature,
)
from tests.mpc.parties import ENGINE, RANDOM
from tests.signer_agent.authority import Authority
from wire.catalogue import ServiceError
from wire.convert import purpose_from_proto, signature_algorithm_from_proto
from wire.ids import new_key_id
from wire.status import item_error


@dataclass
class ServerKey:
    """A key as the server has it."""

    message: key_pb2.Key
    share: KeyShare
    terms: GenerationTerms
    roots: list[bytes]
    joint_key: JointPublicKey | None = None


class ServerSide:
    """One method for each RPC.

    Args:
        authority: issues the agents' certificates.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._begun: dict[str, str] = {}
        self.keys: dict[str, ServerKey] = {}

    def begin(self, request: key_service_pb2.BeginKeyGenerationRequest) -> key_service_pb2.BeginKeyGenerationResponse:
        """Make a share, and answer the commitment."""
        key_id = self._begun.get(request.request_id)
        if key_id is None:
            key_id = self._begun[request.request_id] = new_key_id()
            purpose = purpose_from_proto(request.purpose)
            share = generate_key_share(Role.SERVER, purpose, request.half_bits)
            replaced = self.keys[request.replaces_key_id].joint_key if request.replaces_key_id else None
            terms = GenerationTerms(key_id, purpose, request.half_bits, request.client_commitment, replaced)
            roots = answer_commitment(terms, share, ENGINE, RANDOM)
            now = Timestamp()
            now.GetCurrentTime()
            message = key_pb2.Key(
                key_id=key_id,
                purpose=request.purpose,
                state=key_pb2.KEY_STATE_AWAITING_OPENING,
                half_bits=request.half_bits,
                server_modulus=share.public.to_bytes(),
                policy=request.policy,
                create_time=now,
                replaces_key_id=request.replaces_key_id,
            )
            self.keys[key_id] = ServerKey(message, share, terms, roots)
        key = self.keys[key_id]
        if key.terms.client_commitment != request.client_commitment:
            raise ServiceError("REQUEST_ID_REUSED")
        return key_service_pb2.BeginKeyGenerationResponse(key=key.message, server_certification_roots=key.roots)

    def finish(
        self, request: key_service_pb2.FinishKeyGenerationRequest
    ) -> key_service_pb2.FinishKeyGenerationResponse:
        """Check the opening."""
        key = self._key(request.key_id)
        roots = list(request.client_certification_roots)
        key.joint_key = check_opening(
            key.terms, key.share.public, request.client_modulus, request.commitment_nonce, roots
        )
        key.message.client_modulus = request.client_modulus
        key.message.joint_public_key_der = key.joint_key.to_der()
        key.message.state = key_pb2.KEY_STATE_ENABLED
        if key.message.replaces_key_id:
            self.keys[key.message.replaces_key_id].message.replaced_by_key_id = request.key_id
        return key_service_pb2.FinishKeyGenerationResponse(key=key.message)

    def abort(self, request: key_service_pb2.AbortKeyGenerationRequest) -> key_service_pb2.AbortKeyGenerationResponse:
        """End a generation."""
        key = self._key(request.key_id)
        key.message.state = key_pb2.KEY_STATE_ABORTED
        return key_service_pb2.AbortKeyGenerationResponse(key=key.message)

    def take_lease(self, _: lease_service_pb2.TakeLeaseRequest) -> lease_service_pb2.TakeLeaseResponse:
        """A lease that nobody asks for."""
        return lease_service_pb2.TakeLeaseResponse(lease=b"lease", next_baton=b"baton", remaining_seconds=600)

    def get(self, request: key_service_pb2.GetKeyRequest) -> key_service_pb2.GetKeyResponse:
        """One key."""
        return key_service_pb2.GetKeyResponse(key=self._key(request.key_id).message)

    def list(self, _: key_service_pb2.ListKeysRequest) -> key_service_pb2.ListKeysResponse:
        """All keys."""
        return key_service_pb2.ListKeysResponse(keys=[key.message for key in self.keys.values()])

    def disable(self, request: key_service_pb2.DisableKeyRequest) -> key_service_pb2.DisableKeyResponse:
        """As KeyService."""
        key = self._key(request.key_id)
        key.message.state = key_pb2.KEY_STATE_DISABLED
        return key_service_pb2.DisableKeyResponse(key=key.message)

    def destroy(self, request: key_service_pb2.DestroyKeyRequest) -> key_service_pb2.DestroyKeyResponse:
        """As KeyService, at once."""
        key = self._key(request.key_id)
        key.message.state = key_pb2.KEY_STATE_DESTROYED
        return key_service_pb2.DestroyKeyResponse(key=key.message)

    def sign(self, request: signing_service_pb2.SignDigestRequest) -> signing_service_pb2.SignDigestResponse:
        """Sign together."""
        key = self._key(request.key_id)
        assert key.joint_key is not None
        algorithm = signature_algorithm_from_proto(request.algorithm)
        message = EncodedMessage(key.joint_key, algorithm, request.digest, request.salt)
        theirs = parse_partial_signature(message, Role.CLIENT, request.client_partial)
        ours = create_partial_signature(key.share, message, ENGINE, RANDOM)  # type: ignore[arg-type]
        return signing_service_pb2.SignDigestResponse(
            signature=combine_signature(message, theirs, ours), key_id=request.key_id, algorithm=request.algorithm
        )

    def sign_batch(
        self, request: signing_service_pb2.BatchSignDigestsRequest
    ) -> signing_service_pb2.BatchSignDigestsResponse:
        """Sign many."""
        results = [self._sign_item(item) for item in request.items]
        return signing_service_pb2.BatchSignDigestsResponse(results=results)

    def _sign_item(self, item: signing_service_pb2.SignDigestRequest) -> signing_service_pb2.BatchSignDigestsResult:
        try:
            return signing_service_pb2.BatchSignDigestsResult(signed=self.sign(item))
        except FoursealError as error:
            return signing_service_pb2.BatchSignDigestsResult(error=item_error(error))

    def decrypt(
        self, request: decryption_service_pb2.CreatePartialDecryptionRequest
    ) -> decryption_service_pb2.CreatePartialDecryptionResponse:
        """Decrypt together."""
        key = self._key(request.key_id)
        assert key.joint_key is not None
        ciphertext = Ciphertext(key.joint_key, request.ciphertext)
        partial = create_partial_decryption(key.share, ciphertext, ENGINE, RANDOM)  # type: ignore[arg-type]
        return decryption_service_pb2.CreatePartialDecryptionResponse(
            partial_decryption=partial.to_bytes(), key_id=request.key_id
        )

    def enrol(self, request: enrolment_service_pb2.EnrolAgentRequest) -> enrolment_service_pb2.EnrolAgentResponse:
        """Issue a certificate, whatever the token."""
        public_key = x509.load_der_x509_csr(request.certificate_request_der).public_key()
        assert isinstance(public_key, ec.EllipticCurvePublicKey)
        certificate = self._authority.issue(public_key, "alice")
        return enrolment_service_pb2.EnrolAgentResponse(
            agent_id="alice",
            certificate_der=certificate.public_bytes(Encoding.DER),
            authority_certificate_der=self._authority.der,
        )

    def _key(self, key_id: str) -> ServerKey:
        found = self.keys.get(key_id)
        if found is None:
            raise ServiceError("KEY_NOT_FOUND", key_id=key_id)
        return found
