"""The key that a device signs bindings by: a joint key of the agent's, or the account's own signer key."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Protocol

from contract.certificate_parts import load_certificate
from contract.joint_statement import STATEMENT_ALGORITHM
from contract.transactions.binding import BindingCore, SignedBinding, to_be_signed
from signer_agent.client.agent import LocalAgent
from signer_agent.contracts.possession import alone
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.statements import StatementSigner
from signer_agent.model import DigestToSign
from wire.ids import new_request_id


class DeviceKey(Protocol):
    """Every method raises FoursealError."""

    async def certificate(self) -> bytes:
        """SHA-256 of its certificate, which holds; 32 bytes."""

    async def sign(self, core: BindingCore, sealed_code: bytes) -> SignedBinding:
        """Sign a binding. The signature was checked."""


@dataclass(frozen=True, slots=True)
class JointDeviceKey:
    """The joint key of a personal certificate: server and agent sign together, and neither does alone.

    Args:
        agent: has the client share.
        signer: finds key and certificate.
    """

    agent: LocalAgent
    signer: StatementSigner

    async def certificate(self) -> bytes:
        """See ``DeviceKey``. Raises ServiceError (PERSONAL_CERTIFICATE_WRONG): there is none, or several."""
        return (await self.signer.key()).certificate

    async def sign(self, core: BindingCore, sealed_code: bytes) -> SignedBinding:
        """See ``DeviceKey``."""
        key = await self.signer.key()
        digest = hashlib.sha256(to_be_signed(core, sealed_code)).digest()
        item = DigestToSign(key.key_id, STATEMENT_ALGORITHM, digest, new_request_id())
        binding = SignedBinding(core, sealed_code, (await self.agent.sign_item(item)).signature)
        binding.check(load_certificate(key.certificate_der).public_key())
        return binding


@dataclass(frozen=True, slots=True)
class OwnDeviceKey:
    """The key of the account's certificate for signing: the device signs alone.

    Args:
        signer: has it.
    """

    signer: Signer

    async def certificate(self) -> bytes:
        """See ``DeviceKey``."""
        return self.signer.sign_certificate.fingerprint

    async def sign(self, core: BindingCore, sealed_code: bytes) -> SignedBinding:
        """See ``DeviceKey``."""
        key = alone(self.signer.sign_key)
        binding = await asyncio.to_thread(SignedBinding.sign, core, sealed_code, key)
        binding.check(self.signer.sign_certificate.public_key)
        return binding
