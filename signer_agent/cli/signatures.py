"""``sign`` and ``verify``: detached signatures of files, raw bytes beside the file, as ``openssl dgst`` has them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Optional

import typer
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from mpc.four_prime_rsa import Purpose, SignatureAlgorithm
from signer_agent.cli.files import HashedFile, hash_file, require_absent, write_file
from signer_agent.cli.invocation import Invocation
from signer_agent.cli.many_signatures import read_list, sign_files, signed_json, target_of
from signer_agent.cli.options import (
    ForceOption,
    KeyOption,
    OutOption,
    YesOption,
)
from signer_agent.cli.public_keys import load_public_key, require_one
from signer_agent.interface import DEFAULT_ALGORITHM
from wire.catalogue import ServiceError
from wire.client.named_files import read_file
from wire.client.output import OUTPUT

_MAX_SIGNATURE_BYTES: Final = 2048

AlgorithmOption = Annotated[SignatureAlgorithm, typer.Option("--algorithm", "-a", help="Padding and hash.")]


def sign(
    invocation: Invocation,
    files: Annotated[
        Optional[list[Path]],  # noqa: UP045  # typer reads it
        typer.Argument(metavar="FILE...", help="What to sign; of any size.", show_default=False),
    ] = None,
    *,
    key: KeyOption,
    algorithm: AlgorithmOption = DEFAULT_ALGORITHM,
    listed: Annotated[
        Optional[Path],  # noqa: UP045  # typer reads it
        typer.Option("--list", metavar="FILE", help="File with names of more files, one a line; - is standard input."),
    ] = None,
    out: OutOption = None,
    request_id: Annotated[str, typer.Option(help="A repeat returns the same signature.")] = "",
    force: ForceOption = False,
    yes: YesOption = False,
) -> None:
    """Sign files together with the server, after showing what is signed. The signature of FILE goes to FILE.sig.

    Of many files, those that were signed before are left alone, and one that cannot be signed stops no other; the exit
    status is then 3. With --json there is a line for each.
    """
    named = files or []
    if listed is None and len(named) == 1:
        _sign_one(invocation, named[0], key, algorithm, out, request_id, force=force, yes=yes)
    elif listed is None and not named:
        raise typer.BadParameter("name a file, or a list of files by --list")
    elif out is not None or request_id:
        raise typer.BadParameter("--out and --request-id are for a single file")
    else:
        sign_files(invocation, [*named, *(read_list(listed) if listed else ())], key, algorithm, force=force, yes=yes)


def _sign_one(
    invocation: Invocation,
    file: Path,
    key: str,
    algorithm: SignatureAlgorithm,
    out: Path | None,
    request_id: str,
    *,
    force: bool,
    yes: bool,
) -> None:
    target = out or target_of(file)
    require_absent(target, force=force)
    document = hash_file(file, algorithm.hash)  # what is shown is what is signed: the file is not read again
    with invocation.agent() as agent:
        found = agent.get_key(key)
        OUTPUT.note(*_description(document, algorithm, f"{found.key_id} {found.label}".strip()))
        OUTPUT.confirm("Sign this?", yes=yes)
        signature = agent.sign_digest(found.key_id, document.digest, algorithm, request_id=request_id or None)
    write_file(target, signature)
    OUTPUT.show(signed_json(document, algorithm, found, target), [("Signature", str(target))])


def verify_signature(
    invocation: Invocation,
    file: Path,
    signature: Path | None,
    key: str,
    public_key: Path | None,
    algorithm: SignatureAlgorithm,
) -> None:
    """Verify a signature of a file, and show that it holds.

    Args:
        invocation: gets at the agent, if ``key`` is of it.
        file: what was signed.
        signature: file with the signature; None: beside the file.
        key: id or label of a key of the agent, or empty.
        public_key: file with a public key, or None.
        algorithm: padding and hash.

    Raises:
        FoursealError: SIGNATURE_INVALID, FILE_UNUSABLE, and what ``load_public_key`` raises.
    """
    require_one(key, public_key)
    found = load_public_key(invocation, key, public_key, Purpose.SIGN)
    path = signature or target_of(file)
    value = read_file(path, _MAX_SIGNATURE_BYTES, "a signature")
    document = hash_file(file, algorithm.hash)
    try:
        found.verify(
            value, document.digest, algorithm.to_cryptography_padding(), Prehashed(algorithm.hash.to_cryptography())
        )
    except InvalidSignature:
        raise ServiceError("SIGNATURE_INVALID") from None
    content = {"file": str(file), "size": document.size, "digest": document.digest.hex(), "valid": True}
    OUTPUT.show(content, [("The signature holds for", f"{file} ({document.size} bytes)")])


def _description(document: HashedFile, algorithm: SignatureAlgorithm, key: str) -> tuple[str, ...]:
    return (
        f"File       {document.path.name}",
        f"Folder     {document.path.absolute().parent}",
        f"Size       {document.size} bytes",
        f"{algorithm.hash.upper():<10} {document.digest.hex()}",
        f"Key        {key}",
        f"Algorithm  {algorithm}",
    )
