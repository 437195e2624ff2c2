"""What can be wrong with a log, beyond the families of ``mpc.errors``.

::

    FoursealError
    +-- NotProven   a proof, or the signature of a note, does not hold
"""

from __future__ import annotations

from mpc.errors import FoursealError, MalformedInput


class NotProven(FoursealError):
    """What a log shows is well-formed, and proves nothing: of another tree, leaf, place or key, or changed."""


def require_that(holds: object, problem: str, *, reason: str) -> None:
    """Raise MalformedInput (``reason``, metadata ``problem``) unless ``holds``."""
    if not holds:
        raise MalformedInput(reason, problem, problem=problem)


def require_shown(holds: object, problem: str, *, reason: str) -> None:
    """Raise NotProven (``reason``, metadata ``problem``) unless ``holds``."""
    if not holds:
        raise NotProven(reason, problem, problem=problem)
