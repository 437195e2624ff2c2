"""The signer agent: keeps the client's shares, and makes joint signatures and decryptions with the server.

::

    from signer_agent import Agent

    with Agent.open(passphrase="...") as agent:            # or Agent.connect(): over the daemon's socket
        key = agent.generate_key("sign")
        signature = agent.sign(key.key_id, document)
        private_key = agent.private_key(key.key_id)        # a cryptography RSAPrivateKey

``AsyncAgent`` is the same for asyncio.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from signer_agent.blocking import Agent
    from signer_agent.interface import AsyncAgent
    from signer_agent.joint_private_key import JointPrivateKey
    from signer_agent.model import (
        AgentKey,
        AgentState,
        DigestToSign,
        KeyChange,
        KeyPage,
        KeyState,
        SignedDigest,
        SigningResult,
    )

__all__ = [
    "Agent",
    "AgentKey",
    "AgentState",
    "AsyncAgent",
    "DigestToSign",
    "JointPrivateKey",
    "KeyChange",
    "KeyPage",
    "KeyState",
    "SignedDigest",
    "SigningResult",
]

_MODULES: Final = {"Agent": "blocking", "AsyncAgent": "interface", "JointPrivateKey": "joint_private_key"}


def __getattr__(name: str) -> Any:  # noqa: ANN401  # whatever was asked for
    """Import a name when it is used: the command line has something to say to gRPC before that is loaded."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'model')}"), name)
