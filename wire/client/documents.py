"""The one form that every file of the key store has: JSON with a single encoding.

What is read is written again and compared, so that there is one text for each content: whatever is changed in a file,
by a fault of the disk or by hand, either changes the content, which is authenticated, or is refused here.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

Json = dict[str, Any]


class DocumentError(ValueError):
    """The text is not a document, or a field is missing, superfluous or of the wrong type."""


def encode(document: Json) -> bytes:
    """Return the one encoding of ``document``: sorted, indented, ASCII, with a newline at its end."""
    return json.dumps(document, sort_keys=True, indent=1, allow_nan=False).encode() + b"\n"


def decode(content: bytes) -> Json:
    """Read what ``encode`` wrote.

    Raises:
        DocumentError: anything else.
    """
    try:
        document = json.loads(content)
        if isinstance(document, dict) and encode(document) == content:
            return document
    except (ValueError, RecursionError) as error:
        raise DocumentError("not a JSON document") from error
    raise DocumentError("not in the one encoding")


def bytes_to_text(data: bytes) -> str:
    """Base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(data).decode()


class Fields:
    """Takes a document apart, and notices what is missing, superfluous or of the wrong type.

    Every method raises DocumentError, which names the field and not its value.
    """

    def __init__(self, document: Json) -> None:
        self._left = dict(document)

    def has(self, name: str) -> bool:
        """Whether a field is there, of those that may be missing."""
        return name in self._left

    def text(self, name: str) -> str:
        """Take a string."""
        value = self._left.pop(name, None)
        if not isinstance(value, str):
            raise DocumentError(f"{name} is not a text")
        return value

    def integer(self, name: str) -> int:
        """Take an integer."""
        value = self._left.pop(name, None)
        if not isinstance(value, int) or isinstance(value, bool):
            raise DocumentError(f"{name} is not an integer")
        return value

    def data(self, name: str) -> bytes:
        """Take bytes, written as base64 in its one encoding."""
        return _bytes_of(self.text(name), name)

    def datas(self, name: str) -> list[bytes]:
        """Take a list of such bytes."""
        return [_bytes_of(text, name) for text in self.texts(name)]

    def texts(self, name: str) -> list[str]:
        """Take a list of strings."""
        value = self._left.pop(name, None)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise DocumentError(f"{name} is not a list of texts")
        return value

    def fields(self, name: str) -> Fields:
        """Take a document within the document."""
        value = self._left.pop(name, None)
        if not isinstance(value, dict):
            raise DocumentError(f"{name} is not an object")
        return Fields(value)

    def document(self, name: str) -> Json:
        """Take a document within the document, whole."""
        value = self._left.pop(name, None)
        if not isinstance(value, dict):
            raise DocumentError(f"{name} is not an object")
        return value

    def end(self) -> None:
        """Say that nothing may be left."""
        if self._left:
            raise DocumentError(f"unknown field {min(self._left)}")


def _bytes_of(text: str, name: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise DocumentError(f"{name} is not base64") from error
    if bytes_to_text(data) != text:
        raise DocumentError(f"{name} is not base64 in its one encoding")
    return data
