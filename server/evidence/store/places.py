"""Places in lists that are ordered by entries of the log."""

from __future__ import annotations

import re
from typing import Final

from server.storage import PageCursor
from wire.catalogue import ServiceError

_INDEX: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def place_behind(after: PageCursor | None) -> int:
    """The index of the entry behind which a page begins."""
    if after is None:
        return -1
    if not _INDEX.fullmatch(after.name):
        raise ServiceError("PAGE_TOKEN_INVALID")
    return int(after.name)
