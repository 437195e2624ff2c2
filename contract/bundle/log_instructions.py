"""The part of VERIFY.txt about the log: record, inclusion proof, checkpoint, time stamp."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from cryptography.hazmat import asn1

from contract.bundle import files
from contract.bundle.parts import DisclosedMessage
from contract.time_stamp import time_of_stamp
from transparency.checkpoint import Checkpoint
from transparency.text import write_base64

# RFC 8410: SubjectPublicKeyInfo of Ed25519 up to the key, as printf takes it
_ED25519: Final = r"\060\052\060\005\006\003\053\145\160\003\041\000"
_HASH: Final = "openssl dgst -sha256 -binary"


def log_steps(name_of: Callable[[str], str], message: DisclosedMessage) -> Iterator[str]:
    """Paragraphs with commands.

    Args:
        name_of: the name of a part's file.
        message: whose entry it is.
    """
    entry, receipt, statement = map(name_of, (files.ENTRY, files.RECEIPT, files.STATEMENT))
    made = f"check/{entry.replace('/', '-')}"
    yield _record(entry, statement, made, message)
    yield _inclusion(entry, receipt, made, message)
    yield _checkpoint(made, message)
    if message.time_stamp is not None:
        yield _time_stamp(name_of(files.TIME_STAMP), made, message.time_stamp)


def _record(entry: str, statement: str, made: str, message: DisclosedMessage) -> str:
    body, record = message.entry.to_der(), message.record.to_der()
    outer, inner = body.index(asn1.encode_der(record)), record.index(asn1.encode_der(message.record.statement.to_der()))
    return f"""\
The entry of the log says when the evidence server logged it, and has the evidence record with this very statement.

    openssl asn1parse -inform DER -in {entry} | head -n 4
    openssl asn1parse -inform DER -in {entry} -strparse {outer} -noout -out {made}.record
    openssl asn1parse -inform DER -in {made}.record -strparse {inner} -noout -out {made}.statement
    cmp {made}.statement {statement}
"""


def _inclusion(entry: str, receipt: str, made: str, message: DisclosedMessage) -> str:
    commands = [f"{{ printf '\\000'; cat {entry}; }} | {_HASH} > {made}.0"]
    steps = _sides(message.receipt.index, Checkpoint.from_text(message.receipt.checkpoint.text).size)
    for number, (each, left) in enumerate(zip(message.receipt.proof, steps, strict=False)):
        known, sibling = f"cat {made}.{number}", f"printf %s '{write_base64(each)}' | openssl base64 -d -A"
        first, second = (sibling, known) if left else (known, sibling)
        commands.append(f"{{ printf '\\001'; {first}; {second}; }} | {_HASH} > {made}.{number + 1}")
    root = f"{made}.{len(commands) - 1}"
    listed = "\n    ".join(commands)
    return f"""\
The entry is in the log: its hash leads to the root hash in the third line of the checkpoint (RFC 9162). The last
command prints that line.

    {listed}
    sed '1,/^$/d' {receipt} > {made}.checkpoint
    sed -n 3p {made}.checkpoint | grep -x -F "$(openssl base64 -A -in {root})"
"""


def _checkpoint(made: str, message: DisclosedMessage) -> str:
    note = message.receipt.checkpoint
    origin = Checkpoint.from_text(note.text).origin
    signature = next((each for each in note.signatures if each.name == origin), note.signatures[0])
    encoded = write_base64(signature.key_id + signature.data)
    return f"""\
The log signed the checkpoint, by the key that you know. The first command prints the name of the log if your key is
its key.

    sed -n 1p {made}.checkpoint | grep -x -F "${{LOG_KEY%%+*}}"
    {{ printf '{_ED25519}'; printf %s "${{LOG_KEY#*+*+}}" | openssl base64 -d -A | tail -c 32; }} > {made}.key
    openssl pkey -pubin -inform DER -in {made}.key -out {made}.pem
    sed '/^$/,$d' {made}.checkpoint > {made}.text
    printf %s '{encoded}' | openssl base64 -d -A | tail -c +5 > {made}.signature
    openssl pkeyutl -verify -pubin -inkey {made}.pem -rawin -sigfile {made}.signature -in {made}.text
"""


def _time_stamp(stamp: str, made: str, response: bytes) -> str:
    time = time_of_stamp(response)
    return f"""\
An outside authority stamped the checkpoint: it was there at {time:%Y-%m-%d %H:%M:%S} UTC at the latest, whatever the
evidence server says. You need the certificate of that authority, from elsewhere, as the file "tsa.pem" in this folder.

    openssl ts -reply -in {stamp} -text
    openssl ts -verify -in {stamp} -data {made}.checkpoint -CAfile tsa.pem -attime {int(time.timestamp())}
"""


def _sides(index: int, size: int) -> Iterator[bool]:
    """For each hash of an inclusion proof: whether it stands left of the way up from the leaf (RFC 9162, 2.1.3.2)."""
    fn, sn = index, size - 1
    while sn > 0:
        left = bool(fn & 1) or fn == sn
        yield left
        while left and fn and not fn & 1:
            fn, sn = fn >> 1, sn >> 1
        fn, sn = fn >> 1, sn >> 1
