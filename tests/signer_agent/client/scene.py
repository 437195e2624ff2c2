"""An agent of its own with a cheating server."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import key_service_pb2

from signer_agent.client.agent import LocalAgent
from signer_agent.client.server_line import ServerLine
from signer_agent.home import Home
from signer_agent.keystore.store import KeyStore
from signer_agent.model import AgentKey
from tests.signer_agent.authority import Authority
from tests.signer_agent.cheating_server import CheatingServer, Lie
from wire.client.identity import Identity


@dataclass
class Scene:
    """An agent that enrolled with a cheating server, with a key for each purpose."""

    server: CheatingServer
    home: Home
    store: KeyStore
    agent: LocalAgent
    signing: AgentKey
    decrypting: AgentKey

    def lie(self, rpc: str, lie: Lie) -> None:
        """Let the server change every answer of an RPC."""
        self.server.behaviour.lies[rpc] = lie

    def stored(self) -> tuple[list[str], list[str]]:
        """Ids of the keys and of the generations under way that are in the key store."""
        return [record.key_id for record in self.store.records()], self.store.request_ids()

    async def line(self) -> ServerLine:
        """The agent's line to the server."""
        return await self.agent._connected()

    def get_key_request(self) -> key_service_pb2.GetKeyRequest:
        """A harmless request."""
        return key_service_pb2.GetKeyRequest(key_id=self.signing.key_id)


def identity_at(server: CheatingServer, authority: Authority | None = None) -> Identity:
    """An identity that the server accepts; ``authority`` is whom the agent believes."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = server.authority.issue(key.public_key(), "alice").public_bytes(Encoding.PEM)
    return Identity("alice", server.address, (authority or server.authority).pem, certificate, key)
