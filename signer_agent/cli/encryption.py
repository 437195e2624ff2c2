"""``encrypt`` and ``decrypt``: one RSAES-OAEP ciphertext, as ``openssl pkeyutl`` has it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Optional

import typer

from mpc.four_prime_rsa import HashAlgorithm, OaepParameters, Purpose
from signer_agent.cli.files import require_absent, write_file
from signer_agent.cli.invocation import Invocation
from signer_agent.cli.options import (
    ForceOption,
    KeyOption,
    OutOption,
    PublicKeyOption,
)
from signer_agent.cli.public_keys import load_public_key, require_one
from wire.catalogue import ServiceError
from wire.client.named_files import read_file
from wire.client.output import OUTPUT

_SUFFIX: Final = ".enc"
MAX_CIPHERTEXT_BYTES: Final = 2048
"""Longest ciphertext that is read."""
_MAX_PLAINTEXT_BYTES: Final = 1 << 20  # far more than fits, so that the error can say how much that is

HashOption = Annotated[HashAlgorithm, typer.Option("--hash", help="Hash of OAEP.")]
MgfHashOption = Annotated[
    Optional[HashAlgorithm],  # noqa: UP045  # typer reads it
    typer.Option("--mgf-hash", help="Hash of MGF1; the same as --hash by default."),
]
LabelOption = Annotated[str, typer.Option("--label", help="Label of OAEP, UTF-8.")]


def encrypt(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to encrypt; a few hundred bytes.")],
    *,
    key: KeyOption = "",
    public_key: PublicKeyOption = None,
    out: OutOption = None,
    hash_name: HashOption = HashAlgorithm.SHA256,
    mgf_hash: MgfHashOption = None,
    label: LabelOption = "",
    force: ForceOption = False,
) -> None:
    """Encrypt short content under a joint public key, to FILE.enc. The server has no part in it."""
    require_one(key, public_key)
    target = out or file.with_name(file.name + _SUFFIX)
    require_absent(target, force=force)
    parameters = oaep_parameters(hash_name, mgf_hash, label)
    plaintext = read_file(file, _MAX_PLAINTEXT_BYTES, "RSAES-OAEP")
    found = load_public_key(invocation, key, public_key, Purpose.DECRYPT)
    maximum = parameters.max_plaintext_bytes((found.key_size + 7) // 8)
    if len(plaintext) > maximum:
        raise ServiceError("PLAINTEXT_TOO_LONG", found=len(plaintext), maximum=max(maximum, 0))
    write_file(target, found.encrypt(plaintext, parameters.to_cryptography_padding()))
    _show(target, "Ciphertext")


def decrypt(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The ciphertext.")],
    *,
    key: KeyOption,
    out: OutOption = None,
    hash_name: HashOption = HashAlgorithm.SHA256,
    mgf_hash: MgfHashOption = None,
    label: LabelOption = "",
    force: ForceOption = False,
) -> None:
    """Decrypt FILE.enc to FILE together with the server, which does not see the plaintext."""
    target = out or decrypted_file(file)
    require_absent(target, force=force)
    parameters = oaep_parameters(hash_name, mgf_hash, label)
    ciphertext = read_file(file, MAX_CIPHERTEXT_BYTES, "a ciphertext")
    with invocation.agent() as agent:
        plaintext = agent.decrypt(key, ciphertext, parameters)
    write_file(target, plaintext, secret=True)
    _show(target, "Plaintext")


def decrypted_file(file: Path) -> Path:
    """Where the plaintext of a ciphertext's file goes by default."""
    return file.with_suffix("") if file.suffix == _SUFFIX else file.with_name(file.name + ".plain")


def oaep_parameters(hash_name: HashAlgorithm, mgf_hash: HashAlgorithm | None, label: str) -> OaepParameters:
    """What the options say. Raises MalformedInput (LABEL_TOO_LONG)."""
    return OaepParameters(hash_name, mgf_hash or hash_name, label.encode(errors="surrogateescape"))


def _show(target: Path, what: str) -> None:
    if str(target) != "-":
        OUTPUT.show({"file": str(target)}, [(what, str(target))])
