"""The one base of every type that holds a secret."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """Cannot be printed, pickled, copied or compared.

    Each of those is a way by which secrets end in logs, crash reports and task queues, or leak through the time that
    a comparison takes. A subclass says in ``_public_summary`` what of it may be shown.
    """

    __slots__ = ()

    def _public_summary(self) -> str:
        return ""

    def __repr__(self) -> str:
        summary = self._public_summary()
        return f"<{type(self).__name__} {summary}{' ' if summary else ''}redacted>"

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is secret and cannot be compared")

    __hash__ = None  # type: ignore[assignment]  # unhashable, as it cannot be compared

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is secret and has no state to show")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is secret and cannot be pickled or copied")

    def __copy__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is secret and cannot be copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is secret and cannot be copied")
