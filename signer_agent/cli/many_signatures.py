"""``sign`` for many files: all are hashed and shown, then signed in a pipeline; one that fails stops no other."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import typer

from mpc.errors import FoursealError
from mpc.four_prime_rsa import SignatureAlgorithm
from signer_agent.blocking import Agent
from signer_agent.cli.files import HashedFile, hash_file, require_absent, write_file
from signer_agent.cli.invocation import Invocation
from signer_agent.model import AgentKey, DigestToSign, SigningResult
from wire.client.named_files import opened
from wire.client.output import INCOMPLETE, OUTPUT, error_json, message_of

SUFFIX: Final = ".sig"
"""Of the file beside a file with its signature."""

_STANDARD_INPUT: Final = "-"


def read_list(path: Path) -> list[Path]:
    """Read names of files, one a line; ``-`` is standard input.

    Raises:
        ServiceError: FILE_UNUSABLE: cannot be read.
    """
    if str(path) == _STANDARD_INPUT:
        return list(_names(sys.stdin.buffer))
    with opened(path) as file:
        return list(_names(file))


def sign_files(
    invocation: Invocation,
    files: Sequence[Path],
    key: str,
    algorithm: SignatureAlgorithm,
    *,
    force: bool,
    yes: bool,
) -> None:
    """Sign files, each signature beside its file; with ``--json`` a line for each file, in order.

    Args:
        invocation: gets at the agent.
        files: what to sign.
        key: id or label.
        algorithm: padding and hash.
        force: replace signatures that are there.
        yes: do not ask.

    Raises:
        Exit: 3: not all were signed.
        FoursealError: those of ``Agent.get_key``; NOT_CONFIRMED.
    """
    documents = [_hashed(file, algorithm, force=force) for file in files]  # shown and signed: not read again
    found = [document for document in documents if isinstance(document, HashedFile)]
    with invocation.agent() as agent:
        joint_key = agent.get_key(key)
        OUTPUT.note(*_description(found, joint_key, algorithm))
        if found:
            OUTPUT.confirm(f"Sign these {len(found)} files?", yes=yes)
        signed = 0
        with OUTPUT.progress(f"Signing {len(found)} files") as on_step:
            outcomes = _signed(agent, joint_key, algorithm, found)
            for file, document in zip(files, documents, strict=True):
                outcome = next(outcomes) if isinstance(document, HashedFile) else document
                signed += _told(file, outcome, algorithm, joint_key)
                on_step(f"Signed {signed} of {len(found)} files")
    if not OUTPUT.as_json:
        OUTPUT.show({}, [("Signed", f"{signed} of {len(files)} files")])
    if signed < len(files):
        raise typer.Exit(INCOMPLETE)


def target_of(file: Path) -> Path:
    """Where a file's signature goes."""
    return file.with_name(file.name + SUFFIX)


def _names(lines: Iterable[bytes]) -> Iterator[Path]:
    for line in lines:
        name = line.removesuffix(b"\n")
        if name:
            yield Path(os.fsdecode(name))


def _hashed(file: Path, algorithm: SignatureAlgorithm, *, force: bool) -> HashedFile | FoursealError:
    try:
        require_absent(target_of(file), force=force)
        return hash_file(file, algorithm.hash)
    except FoursealError as error:
        return error


def _signed(
    agent: Agent, key: AgentKey, algorithm: SignatureAlgorithm, documents: Sequence[HashedFile]
) -> Iterator[HashedFile | FoursealError]:
    """Each document once its signature is written, or why it is not."""
    results = agent.sign_many(DigestToSign(key.key_id, algorithm, document.digest) for document in documents)
    for document, result in zip(documents, results, strict=True):
        yield _written(document, result)


def _written(document: HashedFile, result: SigningResult) -> HashedFile | FoursealError:
    if isinstance(result.outcome, FoursealError):
        return result.outcome
    try:
        write_file(target_of(document.path), result.outcome.signature)
    except FoursealError as error:
        return error
    return document


def _told(file: Path, outcome: HashedFile | FoursealError, algorithm: SignatureAlgorithm, key: AgentKey) -> bool:
    """Say what became of a file, and return whether it was signed."""
    if isinstance(outcome, FoursealError):
        OUTPUT.show_line({"file": str(file), "error": error_json(outcome)})
        OUTPUT.note(f"Not signed: {file}: {message_of(outcome)}")
        return False
    OUTPUT.show_line(signed_json(outcome, algorithm, key, target_of(file)))
    return True


def signed_json(
    document: HashedFile, algorithm: SignatureAlgorithm, key: AgentKey, target: Path
) -> dict[str, str | int]:
    """What programs are told of a file that was signed."""
    return {
        "file": str(document.path),
        "size": document.size,
        "digest": document.digest.hex(),
        "algorithm": algorithm.value,
        "key_id": key.key_id,
        "signature_file": str(target),
    }


def _description(documents: Sequence[HashedFile], key: AgentKey, algorithm: SignatureAlgorithm) -> Iterator[str]:
    for document in documents:
        yield f"{document.digest.hex()}  {document.path}"
    yield f"Files      {len(documents)}, {sum(document.size for document in documents)} bytes"
    yield f"Key        {key.key_id} {key.label}".rstrip()
    yield f"Algorithm  {algorithm}"
