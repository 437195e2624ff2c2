"""``sign`` and ``verify``: detached signatures of files, raw bytes beside the file, as ``openssl dgst`` has them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from mpc.four_prime_rsa import Purpose, SignatureAlgorithm
from signer_agent.cli.files import HashedFile, hash_file, read_file, require_absent, write_file
from signer_agent.cli.invocation import Invocation
from signer_agent.cli.options import (
    ForceOption,
    KeyOption,
    OutOption,
    YesOption,
)
from signer_agent.cli.output import OUTPUT
from signer_agent.cli.public_keys import load_public_key, require_one
from signer_agent.interface import DEFAULT_ALGORITHM
from wire.catalogue import ServiceError

_SUFFIX: Final = ".sig"
_MAX_SIGNATURE_BYTES: Final = 2048

AlgorithmOption = Annotated[SignatureAlgorithm, typer.Option("--algorithm", "-a", help="Padding and hash.")]


def sign(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to sign; of any size.")],
    *,
    key: KeyOption,
    algorithm: AlgorithmOption = DEFAULT_ALGORITHM,
    out: OutOption = None,
    request_id: Annotated[str, typer.Option(help="A repeat returns the same signature.")] = "",
    force: ForceOption = False,
    yes: YesOption = False,
) -> None:
    """Sign a file together with the server, after showing what is signed. The signature goes to FILE.sig."""
    target = out or file.with_name(file.name + _SUFFIX)
    require_absent(target, force=force)
    document = hash_file(file, algorithm.hash)  # what is shown is what is signed: the file is not read again
    with invocation.agent() as agent:
        found = agent.get_key(key)
        OUTPUT.note(*_description(document, algorithm, f"{found.key_id} {found.label}".strip()))
        OUTPUT.confirm("Sign this?", yes=yes)
        signature = agent.sign_digest(found.key_id, document.digest, algorithm, request_id=request_id or None)
    write_file(target, signature)
    content = {
        "file": str(file),
        "size": document.size,
        "digest": document.digest.hex(),
        "algorithm": algorithm.value,
        "key_id": found.key_id,
        "signature_file": str(target),
    }
    OUTPUT.show(content, [("Signature", str(target))])


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
    path = signature or file.with_name(file.name + _SUFFIX)
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
