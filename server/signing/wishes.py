"""What callers want of a generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mpc.four_prime_rsa import Purpose, SignatureAlgorithm
from server.journal import Request


@dataclass(frozen=True, slots=True)
class GenerationWish:
    """A key that somebody wants. ``replaces_key_id``: the key that it is to replace; None for a new one."""

    request: Request
    purpose: Purpose
    half_bits: int
    algorithms: tuple[SignatureAlgorithm, ...]
    daily_limit: int
    client_commitment: bytes = field(repr=False)
    replaces_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class OpeningWish:
    """An opening that a client brings. ``request`` has a request_id of ours: see ``finish_request_id``."""

    request: Request
    key_id: str
    client_modulus: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    roots: Sequence[bytes] = field(repr=False)


def finish_request_id(key_id: str) -> str:
    """The request_id under which the opening of a key is recorded. No caller can choose one with a dot."""
    return f"finish.{key_id}"


def abort_request_id(key_id: str) -> str:
    """The same for its abortion."""
    return f"abort.{key_id}"
