"""Which of many moduli share a prime: finds parties whose random generators repeat themselves.

``find_shared_factors`` compares all with all, ``shares_factor`` one with all.

Source: D. J. Bernstein, "How to find smooth parts of integers", 2004 (product and remainder trees); used on all keys
of the internet by Heninger et al., "Mining Your Ps and Qs", USENIX Security 2012. Time and memory are near linear in
the size of all moduli together, where comparing every pair would be quadratic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import gmpy2
from gmpy2 import mpz


def find_shared_factors(moduli: Sequence[int], progress: Callable[[float], None] = lambda _: None) -> list[int]:
    """Return the indices, ascending, of all moduli that share a factor with another one of the list.

    Args:
        moduli: each above 1; equal ones share a factor, of course.
        progress: called with the part that is done, from 0 to 1.
    """
    if not moduli:
        return []
    tree = [[mpz(modulus) for modulus in moduli]]
    while len(tree[-1]) > 1:
        tree.append(_products_of_pairs(tree[-1]))
    steps = len(tree)
    remainders = tree[-1]  # P itself; from here down: P mod (node)^2
    with gmpy2.context(gmpy2.get_context(), allow_release_gil=True):
        for step, level in enumerate(reversed(tree[:-1]), start=1):
            remainders = [remainders[index // 2] % (node * node) for index, node in enumerate(level)]
            progress(step / steps)
    found = [
        index
        for index, (node, remainder) in enumerate(zip(tree[0], remainders, strict=True))
        if gmpy2.gcd(node, remainder // node) != 1  # (P mod N^2) / N = (P / N) mod N: the product of all others
    ]
    progress(1.0)
    return found


def shares_factor(modulus: int, others: Iterable[int]) -> bool:
    """Whether a modulus shares a factor with any of the others.

    One product modulo the modulus, and one gcd: some microseconds for each of the others, in constant memory.

    Args:
        modulus: above 1.
        others: each above 1; one that is equal shares a factor.
    """
    number, product = mpz(modulus), mpz(1)
    for other in others:
        product = product * other % number
    return bool(gmpy2.gcd(product, number) != 1)


def _products_of_pairs(level: list[mpz]) -> list[mpz]:
    pairs = [level[index] * level[index + 1] for index in range(0, len(level) - 1, 2)]
    return pairs + level[len(pairs) * 2 :]
