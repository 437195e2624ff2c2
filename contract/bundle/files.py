"""The files of a bundle: which names there are, how long each may be, and the manifest that lists them.

Files of the message lie at the top and in ``certificates/``, those of the answers in ``answers/``, numbered from 1 on::

    MANIFEST.json  VERIFY.txt  revoked.crl  certificates/authority.pem
    statement.der  certificates/author-sign.pem  ...
    answers/1-statement.der  answers/1-author-sign.pem  ...
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from contract import der
from contract.certificate_parts import MAX_CERTIFICATE_BYTES
from contract.description import MAX_DESCRIPTION_BYTES
from contract.log_entry import MAX_ENTRY_BYTES
from contract.revocation import MAX_REVOCATION_LIST_BYTES
from contract.session_info import MAX_PEOPLE
from contract.statement import MAX_STATEMENT_BYTES
from contract.time_stamp import MAX_TIME_STAMP_BYTES
from mpc.errors import MalformedInput
from transparency.receipt import MAX_RECEIPT_BYTES

MANIFEST: Final = "MANIFEST.json"
VERIFY: Final = "VERIFY.txt"
AUTHORITY: Final = "certificates/authority.pem"
REVOKED: Final = "revoked.crl"

CONTENT: Final = "content"
DESCRIPTION: Final = "description.der"
CONTENT_KEY: Final = "content-key.bin"
STATEMENT: Final = "statement.der"
SIGNATURE: Final = "signature.bin"
AUTHOR_SIGNATURE: Final = "signature-author.bin"
SESSION_SIGNATURE: Final = "signature-session.bin"
JOINT_KEY: Final = "joint.pem"
ENTRY: Final = "entry.der"
RECEIPT: Final = "receipt.tlog-proof"
TIME_STAMP: Final = "checkpoint.tsr"
AUTHOR_SIGN: Final = "author-sign.pem"
SESSION_SIGN: Final = "session-sign.pem"
SESSION_ENCRYPT: Final = "session-encrypt.pem"

MAX_ANSWERS: Final = MAX_PEOPLE - 1
"""Most answers: one of each recipient."""

_BUNDLE_REASON: Final = "BUNDLE_MALFORMED"
_FORMAT: Final = "fourseal/v1/bundle"
_MAX_TEXT: Final = 2 << 20
_MAX_SMALL: Final = 4 << 10
_MAX_PEM: Final = 2 * MAX_CERTIFICATE_BYTES
_CERTIFICATES: Final = frozenset({AUTHOR_SIGN, SESSION_SIGN, SESSION_ENCRYPT})
_OF_BUNDLE: Final = {VERIFY: _MAX_TEXT, AUTHORITY: _MAX_PEM, REVOKED: MAX_REVOCATION_LIST_BYTES}
_OF_MESSAGE: Final = {
    CONTENT: der.MAX_COUNT,
    DESCRIPTION: MAX_DESCRIPTION_BYTES,
    CONTENT_KEY: _MAX_SMALL,
    STATEMENT: MAX_STATEMENT_BYTES,
    SIGNATURE: _MAX_SMALL,
    AUTHOR_SIGNATURE: _MAX_SMALL,
    SESSION_SIGNATURE: _MAX_SMALL,
    JOINT_KEY: _MAX_SMALL,
    ENTRY: MAX_ENTRY_BYTES,
    RECEIPT: MAX_RECEIPT_BYTES,
    TIME_STAMP: MAX_TIME_STAMP_BYTES,
    **dict.fromkeys(_CERTIFICATES, _MAX_PEM),
}
MAX_FILES: Final = 1 + len(_OF_BUNDLE) + (1 + MAX_ANSWERS) * len(_OF_MESSAGE)
"""Most files, with the manifest: fewer, for nobody signs by both schemes."""

_OF_ANSWER: Final = re.compile(r"answers/([1-9][0-9]?)-([a-z.-]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A file, wherever it lies.

    Args:
        name: with "/" between folder and file.
        length: bytes, as the place says where it lies.
        read: yields the content from its beginning, in pieces of any size; may be called again.
    """

    name: str
    length: int
    read: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What the manifest says of a file.

    Args:
        length: bytes.
        sha256: 32 bytes.
    """

    length: int
    sha256: bytes


def file_name(number: int, part: str) -> str:
    """The name of a part.

    Args:
        number: 0 for the message, from 1 on for an answer.
        part: one of this module's.
    """
    if number:
        return f"answers/{number}-{part}"
    return f"certificates/{part}" if part in _CERTIFICATES else part


def longest(name: str) -> int:
    """The most bytes that a file of that name may have.

    Raises:
        MalformedInput: BUNDLE_MALFORMED: there is no such file in a bundle.
    """
    answer = _OF_ANSWER.fullmatch(name)
    limit = _OF_BUNDLE.get(name)
    if answer is not None and int(answer[1]) <= MAX_ANSWERS:
        limit = _OF_MESSAGE.get(answer[2])
    elif limit is None:
        limit = {file_name(0, part): each for part, each in _OF_MESSAGE.items()}.get(name)
    if limit is None:
        raise malformed("a file that no bundle has")
    return limit


def is_content(name: str) -> bool:
    """Whether the file is a content, which may be of any length and is never held in memory."""
    return name == CONTENT or name.endswith(f"-{CONTENT}")


def write_manifest(files: Mapping[str, FileDigest]) -> bytes:
    """The manifest of these files; it does not list itself. JSON, its keys sorted: docs/formats.md."""
    listed = {name: {"length": each.length, "sha256": each.sha256.hex()} for name, each in files.items()}
    return (json.dumps({"files": listed, "format": _FORMAT}, indent=1, sort_keys=True) + "\n").encode()


def read_manifest(data: bytes) -> dict[str, FileDigest]:
    """Read ``write_manifest``.

    Raises:
        MalformedInput: BUNDLE_MALFORMED.
    """
    try:
        listed = json.loads(data)["files"]
        files = {
            str(name): FileDigest(int(each["length"]), bytes.fromhex(each["sha256"])) for name, each in listed.items()
        }
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError):
        raise malformed("its manifest is none") from None
    if write_manifest(files) != data:
        raise malformed("its manifest is not the canonical encoding")
    return files


def digest_of(data: bytes) -> FileDigest:
    """What the manifest says of a file with these bytes."""
    return FileDigest(len(data), hashlib.sha256(data).digest())


def index_files(files: Iterable[BundleFile]) -> dict[str, BundleFile]:
    """The files by name.

    Raises:
        MalformedInput: BUNDLE_MALFORMED: a name is there twice.
    """
    found: dict[str, BundleFile] = {}
    for each in files:
        if each.name in found:
            raise malformed("a file that is there twice")
        found[each.name] = each
    return found


def read_whole(file: BundleFile, maximum: int) -> bytes:
    """Read a short file into memory; what it says of its length is not believed.

    Raises:
        MalformedInput: BUNDLE_MALFORMED: it is longer than ``maximum``, or not as long as it says.
    """
    if file.length > maximum:
        raise malformed("a file that is too long")
    data = bytearray()
    for piece in file.read():
        data += piece
        if len(data) > file.length:
            break
    if len(data) != file.length:
        raise malformed("a file of another length than it says")
    return bytes(data)


def read_all(files: Mapping[str, BundleFile]) -> tuple[dict[str, FileDigest], dict[str, bytes]]:
    """Read the manifest and every file that it lists but the contents.

    Returns:
        The manifest, and the files' bytes by name.

    Raises:
        MalformedInput: BUNDLE_MALFORMED: a file is missing, unknown, not listed, too long, or not as the manifest says.
    """
    if MANIFEST not in files:
        raise malformed("it has no manifest")
    manifest = read_manifest(read_whole(files[MANIFEST], _MAX_TEXT))
    if {*manifest, MANIFEST} != set(files):
        raise malformed("it does not have the files that its manifest lists")
    read: dict[str, bytes] = {}
    for name, listed in manifest.items():
        maximum = longest(name)
        if files[name].length != listed.length:
            raise malformed("a file of another length than the manifest says")
        if is_content(name):
            continue
        read[name] = read_whole(files[name], maximum)
        if digest_of(read[name]) != listed:
            raise malformed("a file that is not the one that the manifest lists")
    return manifest, read


def malformed(problem: str) -> MalformedInput:
    """The error for a bundle that is none."""
    return MalformedInput(_BUNDLE_REASON, f"the bundle is refused: {problem}", problem=problem)
