"""VERIFY.txt: how to verify this bundle with OpenSSL 3 and a POSIX shell, and none of our software.

The text is made for what the bundle has: its scheme, kinds of key, answers, revocation list, time stamps. Commands are
the lines that begin with four spaces. Run in order, with ``LOG_KEY`` set as the text says, each ends with status 0 if
what it shows holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from contract.bundle import files
from contract.bundle.files import file_name
from contract.bundle.log_instructions import log_steps
from contract.bundle.parts import Bundle, DisclosedMessage, read_revocations
from contract.revocation import RevocationList
from contract.signatures import JointSignature
from contract.statement import Decision

_PSS: Final = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"
_HEAD: Final = """\
How to verify this bundle with OpenSSL alone
============================================

This folder discloses a message that was signed in a contract session and deposited as evidence. Below is how to verify
it with OpenSSL 3 and a shell, in this folder. The program "fourseal verify" does all of that, and what OpenSSL cannot:
it seals the content again and compares it with what was deposited.

Read each command before you run it. A file that somebody gave you can tell you to do anything. The commands below read
files of this folder, and write files to the folder "check". Each must end without an error.

You must know two things from elsewhere, not from this bundle: the SHA-256 fingerprint of the authority's certificate,
and the key of the log, a text of the form name+number+key. Ask the operator of the evidence server, or somebody whom
you trust and who has used it. Put the key into a variable: LOG_KEY='name+number+key'

    mkdir -p check
    openssl version

The authority
=============

The fingerprint that this prints must be the one that you know.

    openssl x509 -in certificates/authority.pem -noout -subject -fingerprint -sha256
"""


def write_instructions(bundle: Bundle) -> str:
    """The text, for this bundle."""
    steps = [_HEAD]
    revocations = read_revocations(bundle)
    for number, message in enumerate(bundle.messages):
        steps += [_heading(number, message), *_steps(revocations, number, message)]
    steps.append(_missing(bundle))
    return "\n".join(steps)


def _heading(number: int, message: DisclosedMessage) -> str:
    statement = message.statement
    if statement.answer is None:
        title = f"The message of {statement.author}"
    else:
        verb = {Decision.ACCEPT: "accepts", Decision.REJECT: "rejects"}[statement.answer.decision]
        title = f"Answer {number}: {statement.author} {verb} it"
    return f"{title}\n{'=' * len(title)}\n"


def _steps(revocations: RevocationList | None, number: int, message: DisclosedMessage) -> Iterator[str]:
    names = _Names(number)
    if message.disclosure is not None:
        yield _content(names)
    yield _statement(names, message)
    yield _signature(names, message)
    yield _certificates(names, message)
    yield _revocation(revocations, names, message)
    yield from log_steps(names.of, message)


class _Names:
    """Names of one message's files."""

    def __init__(self, number: int) -> None:
        self._number = number

    def of(self, part: str) -> str:
        return file_name(self._number, part)

    def made(self, name: str) -> str:
        """Of a file that the commands write."""
        return f"check/{self._number}-{name}"


def _content(names: _Names) -> str:
    content, description, statement = map(names.of, (files.CONTENT, files.DESCRIPTION, files.STATEMENT))
    return f"""\
The content is the one described, and the description the one that the statement names. Each command prints the line
with the digest; it prints nothing, and fails, if the digest is not there.

    {_found(f"openssl dgst -sha256 -r {content}", description)}
    {_found(f"openssl dgst -sha256 -r {description}", statement)}
"""


def _statement(names: _Names, message: DisclosedMessage) -> str:
    statement, answered = names.of(files.STATEMENT), message.statement.answer
    text = f"""\
What was signed: session, author, time (UTC), the author's sequence number, recipients with their certificates and
numbers, digest of the description. The author's and the session's certificate are the ones in this bundle.

    openssl asn1parse -inform DER -in {statement}
    {_found(_fingerprint(names.of(files.AUTHOR_SIGN)), statement)}
    {_found(_fingerprint(names.of(files.SESSION_SIGN)), statement)}
"""
    if answered is None:
        return text
    inner = _octets(answered.statement.to_der())
    return f"""\
{text}
It is an answer to this very message: it has the whole statement of the message in it.

    {_extract(statement, _offset(message.statement.to_der(), inner), names.made("answered.der"))}
    cmp {names.made("answered.der")} {file_name(0, files.STATEMENT)}
"""


def _signature(names: _Names, message: DisclosedMessage) -> str:
    author, session, statement = map(names.of, (files.AUTHOR_SIGN, files.SESSION_SIGN, files.STATEMENT))
    if isinstance(message.signature, JointSignature):
        key, signature = names.of(files.JOINT_KEY), names.of(files.SIGNATURE)
        product = f"0x$({_modulus(author)}) * 0x$({_modulus(session)})"
        shown = f"0x$(openssl rsa -pubin -in {key} -noout -modulus | cut -d= -f2)"
        return f"""\
Author and session signed it together, under their joint key. This must print "Verified OK".

    openssl dgst -sha256 {_PSS} -verify {key} -signature {signature} {statement}

The joint key is the product of the author's and the session's modulus. OpenSSL multiplies no numbers; Python does, and
so does any calculator for long ones. This must print "True".

    python3 -c "print({product} == {shown})" | grep True
"""
    made, half = names.made("author.pem"), names.made("session.pem")
    signed, countersigned = names.of(files.AUTHOR_SIGNATURE), names.of(files.SESSION_SIGNATURE)
    return f"""\
Author and session each signed it, by keys of their own. Each command must print that the signature is verified.

    openssl x509 -in {author} -noout -pubkey > {made}
    {_verify(message.author.public_key, made, signed, statement)}
    openssl x509 -in {session} -noout -pubkey > {half}
    openssl dgst -sha256 {_PSS} -verify {half} -signature {countersigned} {statement}
"""


def _verify(public_key: object, key: str, signature: str, statement: str) -> str:
    if isinstance(public_key, rsa.RSAPublicKey):
        return f"openssl dgst -sha256 {_PSS} -verify {key} -signature {signature} {statement}"
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return f"openssl dgst -sha256 -verify {key} -signature {signature} {statement}"
    return f"openssl pkeyutl -verify -pubin -inkey {key} -rawin -sigfile {signature} -in {statement}"


def _certificates(names: _Names, message: DisclosedMessage) -> str:
    author, signing, sealing = map(names.of, (files.AUTHOR_SIGN, files.SESSION_SIGN, files.SESSION_ENCRYPT))
    time = message.statement.time
    certificate, made = message.session_sign.certificate.public_bytes(Encoding.DER), names.made("session.der")
    offset = _offset(certificate, _octets(message.session_sign.info.to_der()))
    return f"""\
The authority issued the certificates, and they were valid at the statement's time, {time:%Y-%m-%d %H:%M:%S} UTC.

    openssl verify -attime {int(time.timestamp())} -CAfile certificates/authority.pem {author} {signing} {sealing}
    openssl x509 -in {author} -noout -subject -ext subjectAltName

What the session was about stands in its certificate: id, revision, scheme, size of its keys, subject, place, begin,
end, creator, members with their certificates, invited. The statement's time must lie between begin and end, and the
author must be a member.

    openssl x509 -in {signing} -outform DER -out {made}
    openssl asn1parse -inform DER -in {made} -strparse {offset}
    openssl asn1parse -inform DER -in {made} -strparse {offset} | {_grep(_fingerprint(author))}
"""


def _revocation(revocations: RevocationList | None, names: _Names, message: DisclosedMessage) -> str:
    if revocations is None:
        return "There is no revocation list here: nobody can tell whether the author's certificate had been revoked.\n"
    author, made = names.of(files.AUTHOR_SIGN), names.made("revoked.pem")
    revoked = revocations.revoked(message.author.certificate)
    text = f"""\
The authority's revocation list. Its last update must not be before the message was logged (see below).

    openssl crl -inform DER -in revoked.crl -CAfile certificates/authority.pem -noout 2>&1 | grep -x "verify OK"
    openssl crl -inform DER -in revoked.crl -noout -lastupdate
    openssl crl -inform DER -in revoked.crl -out {made}
"""
    if revoked is None:
        return f"""\
{text}
The author's certificate is not on it.

    openssl verify -no_check_time -crl_check -CRLfile {made} -CAfile certificates/authority.pem {author}
"""
    serial = f"$(openssl x509 -in {author} -noout -serial | cut -d= -f2)"
    return f"""\
{text}
The author's certificate is on it: revoked on {revoked.time:%Y-%m-%d %H:%M:%S} UTC ({revoked.reason}). What was signed
before that still holds, if log or time stamp show that it was there before.

    openssl crl -inform DER -in revoked.crl -noout -text | grep -A 1 "{serial}"
"""


def _missing(bundle: Bundle) -> str:
    answered = {each.statement.author for each in bundle.answers}
    missing = [each.name for each in bundle.message.statement.recipients if each.name not in answered]
    if not missing:
        return "Every recipient has answered.\n"
    return f"This bundle has no answer of: {', '.join(missing)}.\n"


def _found(digest: str, place: str) -> str:
    """A command that prints the line of a structure that has a digest, and fails if none has."""
    return f"openssl asn1parse -inform DER -in {place} | {_grep(digest)}"


def _grep(digest: str) -> str:
    # With what stands before a digest: if the inner command fails, nothing is found.
    return f'grep -i "DUMP]:$({digest} | cut -c1-64)$"'


def _fingerprint(certificate: str) -> str:
    return f"openssl x509 -in {certificate} -outform DER | openssl dgst -sha256 -r"


def _modulus(certificate: str) -> str:
    return f"openssl x509 -in {certificate} -noout -modulus | cut -d= -f2"


def _extract(source: str, offset: int, target: str) -> str:
    return f"openssl asn1parse -inform DER -in {source} -strparse {offset} -noout -out {target}"


def _octets(data: bytes) -> bytes:
    return asn1.encode_der(data)


def _offset(outer: bytes, inner: bytes) -> int:
    return outer.index(inner)
