"""Finds a share's secret numbers in any text: decimal, hexadecimal, grouped or not, whole or cut short."""

from __future__ import annotations

from typing import Final

import gmpy2

from mpc.four_prime_rsa import KeyShare

_DIGITS: Final = 40  # that many in a row never come by chance


def leaked(text: str, *shares: KeyShare) -> list[str]:
    """Names of the secret numbers of the shares that stand in ``text``, by their first or last digits."""
    plain = "".join(character for character in text.lower() if character.isalnum())
    found = []
    for share in shares:
        for name, number in _secret_numbers(share).items():
            written = (str(number), f"{number:x}")
            if any(part in plain for digits in written for part in (digits[:_DIGITS], digits[-_DIGITS:])):
                found.append(f"{name} of the {share.public.role}")
    return found


def _secret_numbers(share: KeyShare) -> dict[str, int]:
    crt = share.crt
    return {
        "p": crt.p,
        "q": crt.q,
        "exponent_p": crt.exponent_p,
        "exponent_q": crt.exponent_q,
        "q_inverse": crt.q_inverse,
        "d": int(gmpy2.invert(65537, gmpy2.lcm(crt.p - 1, crt.q - 1))),
    }
