"""Files into a bundle: strictly, and no content is read yet.

As for every structure: what was read is written again, and must be what was given, byte by byte. VERIFY.txt is the one
file of which only length and digest count: another release words it otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography import x509

from contract.bundle import files
from contract.bundle.files import BundleFile, file_name, malformed
from contract.bundle.parts import Bundle, DisclosedMessage, Disclosure, content_digests, short_files
from contract.certificate_parts import UNREADABLE
from contract.certificates import SessionCertificate, SignerCertificate
from contract.content_key import ContentKey
from contract.description import ContentDescription
from contract.log_entry import LogEntry
from contract.oids import Arc
from contract.signatures import JointSignature, SeparateSignature, Signature
from contract.signer_keys import algorithm_of
from contract.statement import Statement
from mpc.four_prime_rsa import Purpose
from transparency.receipt import Receipt


@dataclass(frozen=True, slots=True)
class ReadBundle:
    """A bundle as it was read.

    Args:
        bundle: what it says; well-formed, and nothing is verified.
        contents: the files with the contents that its descriptions name, by name.
    """

    bundle: Bundle
    contents: Mapping[str, BundleFile]


def read_bundle(given: Iterable[BundleFile], arc: Arc) -> ReadBundle:
    """Read everything but the contents.

    Args:
        given: all files. Whoever unpacks them need not look at names or lengths; a folder is no file.
        arc: the arc of the installation whose certificates they are.

    Raises:
        MalformedInput: BUNDLE_MALFORMED, and what the structures in it raise.
        PeerMisbehaved: a certificate's key makes no half.
    """
    found = files.index_files(given)
    manifest, read = files.read_all(found)
    reader = _Reader(read, arc)
    count = 0
    while file_name(count + 1, files.STATEMENT) in read:
        count += 1
    bundle = Bundle(
        message=reader.message(0),
        answers=tuple(reader.message(number) for number in range(1, count + 1)),
        authority=_certificate(reader.take(files.AUTHORITY)),
        revocations=read.get(files.REVOKED),
    )
    again = {**short_files(bundle), files.VERIFY: reader.take(files.VERIFY)}
    if again != read:
        raise malformed("files that are missing, too many, or not the canonical encoding")
    contents = {name: file for name, file in found.items() if files.is_content(name)}
    if {name: manifest[name] for name in contents} != content_digests(bundle):
        raise malformed("a content that is not the one described")
    return ReadBundle(bundle, contents)


class _Reader:
    def __init__(self, read: Mapping[str, bytes], arc: Arc) -> None:
        self._read = read
        self._arc = arc

    def take(self, name: str) -> bytes:
        if name not in self._read:
            raise malformed("a file is missing")
        return self._read[name]

    def message(self, number: int) -> DisclosedMessage:
        def take(part: str) -> bytes:
            return self.take(file_name(number, part))

        author = SignerCertificate(_certificate(take(files.AUTHOR_SIGN)), self._arc)
        session_sign = SessionCertificate(_certificate(take(files.SESSION_SIGN)), self._arc)
        session_encrypt = SessionCertificate(_certificate(take(files.SESSION_ENCRYPT)), self._arc)
        if [each.purpose for each in (author, session_sign, session_encrypt)] != _PURPOSES:
            raise malformed("a certificate for another use than its file's name says")
        return DisclosedMessage(
            statement=Statement.from_der(take(files.STATEMENT)),
            signature=self._signature(number, author),
            entry=LogEntry.from_der(take(files.ENTRY)),
            receipt=Receipt.from_bytes(take(files.RECEIPT)),
            time_stamp=self._read.get(file_name(number, files.TIME_STAMP)),
            author=author,
            session_sign=session_sign,
            session_encrypt=session_encrypt,
            disclosure=self._disclosure(number),
        )

    def _signature(self, number: int, author: SignerCertificate) -> Signature:
        joint = file_name(number, files.SIGNATURE)
        if joint in self._read:
            return JointSignature(self.take(joint))
        signer, session = (self.take(file_name(number, part)) for part in _SEPARATE)
        return SeparateSignature(algorithm_of(author.public_key), signer, session)

    def _disclosure(self, number: int) -> Disclosure | None:
        description = file_name(number, files.DESCRIPTION)
        if description not in self._read:
            return None
        key = ContentKey(self.take(file_name(number, files.CONTENT_KEY)))
        return Disclosure(ContentDescription.from_der(self.take(description)), key)


_PURPOSES = [Purpose.SIGN, Purpose.SIGN, Purpose.DECRYPT]
_SEPARATE = (files.AUTHOR_SIGNATURE, files.SESSION_SIGNATURE)


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        _ = certificate.subject  # which is where an odd one is found out; reports show it
    except (ValueError, *UNREADABLE):
        raise malformed("a certificate that is not in PEM, or cannot be read") from None
    return certificate
