"""The public key that a command uses: a key of the agent, or one from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import typer
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from mpc.four_prime_rsa import Purpose
from signer_agent.cli.invocation import Invocation
from wire.catalogue import ServiceError
from wire.client.named_files import read_file

_MAX_PEM_BYTES: Final = 64 * 1024


def require_one(key: str, public_key: Path | None) -> None:
    """Raise the error of a wrong command unless exactly one of --key and --public-key was given."""
    if bool(key) == bool(public_key):
        raise typer.BadParameter("name the key by --key or by --public-key, one of the two")


def load_public_key(invocation: Invocation, key: str, public_key: Path | None, purpose: Purpose) -> RSAPublicKey:
    """Return the public key that the options name.

    Args:
        invocation: gets at the agent.
        key: id or label of a key of the agent, or empty.
        public_key: file with an RSA public key in PEM, or None.
        purpose: what the agent's key must be for.

    Raises:
        FoursealError: PUBLIC_KEY_INVALID, FILE_UNUSABLE, WRONG_PURPOSE; those of ``Invocation.agent`` and ``get_key``.
    """
    if public_key is None:
        with invocation.agent() as agent:
            joint_key = agent.get_key(key).require_joint_key()
        joint_key.require(purpose)
        return joint_key.to_cryptography()
    content = read_file(public_key, _MAX_PEM_BYTES, "a public key")
    try:
        found = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, RSAPublicKey):
        raise ServiceError("PUBLIC_KEY_INVALID", file=str(public_key))
    return found
