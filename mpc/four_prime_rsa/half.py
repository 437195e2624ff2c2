"""A half that can be used: by who has its numbers (``key_share``), or has a token's name of it.

Everything that a half does is done by an engine, which takes the half's ``key`` and a number. What comes back is
checked against ``public``, whoever did it (``partials``).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from mpc.four_prime_rsa.public_share import PublicShare
from mpc.four_prime_rsa.roles import Purpose
from mpc.secret import Secret


class Half(Secret):
    """One party's half. ``public`` is its public share, and ``purpose`` what it does, of its type and in its share."""

    __slots__ = ()

    public: PublicShare
    purpose: Purpose

    @property
    @abstractmethod
    def key(self) -> Any:  # noqa: ANN401  # engines differ in what they take
        """What the engine takes that belongs to it."""


class SigningHalf(Half):
    """A half that signs, and does nothing else."""

    __slots__ = ()
    purpose = Purpose.SIGN


class DecryptionHalf(Half):
    """A half that decrypts, and does nothing else."""

    __slots__ = ()
    purpose = Purpose.DECRYPT
