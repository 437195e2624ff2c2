"""Words that no file of the project may contain: it speaks of itself alone, and works wherever it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Written so that this file does not contain what it forbids.
FORBIDDEN = (
    r"\.\./sh[a]red",
    r"/w[o]rk/",
    r"/tm[p]/w/",
    r"\bpypi\.[o]rg\b",
    r"\bpythonhosted\.[o]rg\b",
    r"\bregistry\.npmj[s]\b",
    r"\bdeb\.debian\.[o]rg\b",
    r"\bdeb\.nodes[o]urce\b",
    r"\bclaud[e]\b",
    r"\banthropi[c]\b",
    r"\bchatgp[t]\b",
    r"\bLL[M]s?\b",
    r"\bTOD[O]\b",
    r"\bFIXM[E]\b",
)
_PATTERN = re.compile("|".join(FORBIDDEN), re.IGNORECASE)


def forbidden_words(name: str, text: str) -> Iterator[str]:
    """Yield each forbidden word of a text as "name:line: word"."""
    for number, line in enumerate(text.splitlines(), start=1):
        for match in _PATTERN.finditer(line):
            yield f"{name}:{number}: {match.group()}"
