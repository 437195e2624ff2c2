"""Opening: a message in evidence and the answers to it, with their content keys and contents, and every check of them.

1. The log's entry of the message, believed as far as ``reading`` says; an answer leads to what it answers.
2. The content key: our key ciphertext in the record, opened by our half and the session's. That works after the session
   was closed, and with a half whose certificate was renewed or has expired: the agent keeps it. Or, of who has a
   permission, the key ciphertext in that, opened by our key alone.
3. The trailer, and in it the description of the content; then the sealed content, if author and session signed that it
   has the length that the server says: no server makes us fetch more than the author sent.
4. The same of every answer that concerns us. One whose content does not open, is not what was signed or deposited, or
   is not kept any more, is there without it: else its author could keep everybody from what it answers.
5. The checks of ``contract.bundle.verification``, with the authority that we enrolled with and the log that we know.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cryptography import x509

from contract.agreement import require_description
from contract.bundle import files
from contract.bundle.checks import BundleTrust
from contract.bundle.files import BundleFile, file_name
from contract.bundle.parts import Bundle, DisclosedMessage, Disclosure
from contract.bundle.reading import ReadBundle
from contract.bundle.verification import BundleReport, content_holds, verify_bundle
from contract.chain import check_chain
from contract.content_key import ContentKey
from contract.description import ContentDescription
from contract.errors import ContentDamaged, VerificationFailed
from contract.evidence_record import EvidenceRecord
from contract.signatures import verify_signature
from contract.trailer import open_trailer
from mpc.errors import DecryptionFailed, FoursealError, MalformedInput
from signer_agent.contracts.signer import Signer
from signer_agent.evidence.archive import writing_archive
from signer_agent.evidence.content import SealedContents, opened_content
from signer_agent.evidence.reading import EvidenceReader, LoggedMessage
from wire.client.blame import blaming_server, server_lied

_MAX_TEXT_BYTES: Final = 64 << 10
_UNREADABLE: Final = frozenset(
    {
        "DECRYPTION_FAILED",
        "EVIDENCE_CONTENT_DELETED",
        "EVIDENCE_CONTENT_LOST",
        "KEY_CIPHERTEXT_MALFORMED",
        "NOT_A_MEMBER",  # sealed for a revision of the session that did not have us
    }
)
"""What is said of an answer that was deposited so that nobody can open it, or of which the server lost the content."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that there is of a message, while it is gathered. Confidential.

    Args:
        bundle: the message and its answers.
        contents: in the clear, by the messages' numbers; None for an answer's that is not here or does not open.
        trust: whom we believe.
    """

    bundle: Bundle = field(repr=False)
    contents: tuple[BundleFile | None, ...]
    trust: BundleTrust

    def verify(self) -> BundleReport:
        """Step 5. Blocks."""
        named = {
            file_name(number, files.CONTENT): file for number, file in enumerate(self.contents) if file is not None
        }
        return verify_bundle(ReadBundle(self.bundle, named), self.trust)

    def write_content(self, write: Callable[[bytes], object]) -> None:
        """Write the message's content piece by piece. Blocks. Raises OSError of ``write``."""
        _write(self.contents[0], write)

    def write_archive(self, path: Path, left_out: Collection[str]) -> None:
        """Write a disclosure bundle. Blocks.

        Args:
            path: where.
            left_out: names of those whose answers do not go into it.

        Raises:
            FoursealError: as ``writing_archive``.
        """
        kept = [each for each in self.bundle.answers if each.statement.author not in left_out]
        bundle = replace(self.bundle, answers=tuple(kept))
        held = [
            file
            for message, file in zip(self.bundle.messages, self.contents, strict=True)
            if file is not None and message in bundle.messages
        ]
        with writing_archive(path, bundle) as archive:
            for name, file in zip(archive.missing, held, strict=True):
                with archive.content(name) as write:
                    _write(file, write)

    def texts(self) -> tuple[str | None, ...]:
        """The contents that are short texts, by the messages' numbers; None for others. Blocks."""
        return tuple(map(_text, self.bundle.messages, self.contents))


class Opener:
    """Opens for one account. Belongs to the event loop that it was made on.

    Args:
        signer: the account, logged in.
        reader: of the same account.
        contents: of the same account.
    """

    def __init__(self, signer: Signer, reader: EvidenceReader, contents: SealedContents) -> None:
        self._signer = signer
        self._reader = reader
        self._contents = contents

    @asynccontextmanager
    async def gathered(self, digest: bytes, time_stamps: Sequence[x509.Certificate]) -> AsyncIterator[Gathered]:
        """Steps 1 to 4; the contents are here while the context lasts.

        Args:
            digest: SHA-256 of the message's statement, or of an answer's, 32 bytes.
            time_stamps: certificates of authorities for time stamps that we trust.

        Raises:
            RemoteError: EVIDENCE_NOT_FOUND, EVIDENCE_CONTENT_DELETED, EVIDENCE_CONTENT_LOST.
            PeerMisbehaved: what the server shows does not hold, see ``EvidenceReader.get`` and ``SealedContents``.
            VerificationFailed, ContentDamaged, MalformedInput: what the author deposited does not open.
        """
        logged = await self._message(digest)
        answers = await self._answers(logged)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._contents.turn())
            found = [await self._opened(stack, logged), *[await self._opened_answer(stack, each) for each in answers]]
            messages, contents = [message for message, _ in found], [content for _, content in found]
            revocations = await self._signer.fresh_revocations()
            bundle = Bundle(messages[0], tuple(messages[1:]), logged.authority, revocations)
            trust = BundleTrust(self._signer.authority, await self._signer.log.key(), tuple(time_stamps))
            yield Gathered(bundle, tuple(contents), trust)

    async def describe(self, digest: bytes) -> DisclosedMessage:
        """A message with its description, without its content: nothing of it is verified. Raises as ``gathered``."""
        logged = await self._message(digest)
        disclosure = _disclosure(logged.message.record, await self.content_key(logged))
        return replace(logged.message, disclosure=disclosure)

    async def _message(self, digest: bytes) -> LoggedMessage:
        """Step 1."""
        logged = await self._reader.get(digest)
        answered = logged.message.statement.answer
        return logged if answered is None else await self._reader.get(answered.statement.digest)

    async def _opened(self, stack: AsyncExitStack, logged: LoggedMessage) -> tuple[DisclosedMessage, BundleFile]:
        """Steps 2 and 3; the content is here as long as the stack."""
        record = logged.message.record
        key = await self.content_key(logged)
        disclosure = _disclosure(record, key)
        await asyncio.to_thread(self._require_signed_length, logged.message, disclosure.description)
        path = await stack.enter_async_context(self._contents.fetched(record))
        content = opened_content(files.CONTENT, path, record, key.stream_key(record.header.core))
        return replace(logged.message, disclosure=disclosure), content

    def _require_signed_length(self, message: DisclosedMessage, description: ContentDescription) -> None:
        """Raise unless author and session signed how long the content is. Blocks.

        Raises:
            PeerMisbehaved: the signature or the author's certificate is none; the culprit is the server, which should
                have refused the deposit.
            VerificationFailed, ContentDamaged: they signed something else than the author deposited.
        """
        statement, author = message.statement, message.author
        with blaming_server():
            check_chain(author.certificate, self._signer.authority, author.arc.signer_sign, statement.time)
            verify_signature(statement.to_der(), message.signature, author, message.session_sign)
        require_description(statement, description)
        if description.length != message.record.plain_length:
            raise ContentDamaged

    async def _opened_answer(
        self, stack: AsyncExitStack, logged: LoggedMessage
    ) -> tuple[DisclosedMessage, BundleFile | None]:
        """The same of an answer. One that does not open says nothing against the message, and must not close it."""
        try:
            message, content = await self._opened(stack, logged)
            if await asyncio.to_thread(content_holds, message, content):
                return message, content
        except (ContentDamaged, MalformedInput, DecryptionFailed, VerificationFailed):
            pass
        except FoursealError as error:
            if error.reason not in _UNREADABLE:
                raise
        return logged.message, None

    async def content_key(self, logged: LoggedMessage) -> ContentKey:
        """Step 2. Raises DecryptionFailed, and what ``Signer.open_key`` raises."""
        record, permission = logged.message.record, logged.permission
        if permission is not None:
            private_key = self._signer.encrypt_key_of(permission.core.grantee_certificate)
            return await asyncio.to_thread(permission.open_key, private_key)
        return await self._signer.open_key(
            record.key_for(self._signer.name), record.header, logged.message.session_encrypt
        )

    async def _answers(self, logged: LoggedMessage) -> list[LoggedMessage]:
        """Step 4: of each recipient the answer that was deposited first, sorted by their names."""
        statement = logged.message.statement
        answers: dict[str, LoggedMessage] = {}
        for digest in logged.answers:
            found = await self._reader.find(digest)
            if found is None:  # it is not addressed to us
                continue
            answer = found.message.statement.answer
            if answer is None or answer.statement != statement:
                raise server_lied("EVIDENCE_OF_OTHER_MESSAGE", "it shows an answer to another message")
            answers.setdefault(found.message.statement.author, found)  # a recipient: else there is no such statement
        return [answers[name] for name in sorted(answers)]


def _disclosure(record: EvidenceRecord, key: ContentKey) -> Disclosure:
    """Step 3."""
    return Disclosure(open_trailer(key.trailer_key(record.header.core), record.trailer).description, key)


def _write(file: BundleFile | None, write: Callable[[bytes], object]) -> None:
    if file is None:
        raise AssertionError("its content is not here")
    for piece in file.read():
        write(piece)


def _text(message: DisclosedMessage, file: BundleFile | None) -> str | None:
    disclosure = message.disclosure
    if disclosure is None or file is None or not disclosure.description.content_type.startswith("text/"):
        return None
    return None if file.length > _MAX_TEXT_BYTES else b"".join(file.read()).decode(errors="backslashreplace")
