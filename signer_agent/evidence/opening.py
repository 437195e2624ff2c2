"""Opening: a message in evidence and the answers to it, with their content keys and contents, and every check of them.

1. The log's entry of the message, believed as far as ``reading`` says; an answer leads to what it answers.
2. The content key: our key ciphertext in the record, opened by our half and the session's. That works after the session
   was closed, and with a half whose certificate was renewed or has expired: the agent keeps it. Or, of who has a
   permission, the key ciphertext in that, opened by our key alone.
3. The trailer, and in it the description of the content; the sealed content.
4. The same of every answer that concerns us.
5. The checks of ``contract.bundle.verification``, with the authority that we enrolled with and the log that we know.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cryptography import x509

from contract.bundle import files
from contract.bundle.checks import BundleTrust
from contract.bundle.files import BundleFile, file_name
from contract.bundle.parts import Bundle, DisclosedMessage, Disclosure
from contract.bundle.reading import ReadBundle
from contract.bundle.verification import BundleReport, verify_bundle
from contract.content_key import ContentKey
from contract.evidence_record import EvidenceRecord
from contract.trailer import open_trailer
from signer_agent.contracts.blame import server_lied
from signer_agent.contracts.signer import Signer
from signer_agent.evidence.archive import writing_archive
from signer_agent.evidence.content import SealedContents, opened_content
from signer_agent.evidence.reading import EvidenceReader, LoggedMessage

_MAX_TEXT_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that there is of a message, while it is gathered. Confidential.

    Args:
        bundle: the message and its answers.
        contents: in the clear, by their names in a bundle.
        trust: whom we believe.
    """

    bundle: Bundle = field(repr=False)
    contents: dict[str, BundleFile]
    trust: BundleTrust

    def verify(self) -> BundleReport:
        """Step 5. Blocks."""
        return verify_bundle(ReadBundle(self.bundle, self.contents), self.trust)

    def write_content(self, write: Callable[[bytes], object]) -> None:
        """Write the message's content piece by piece. Blocks. Raises OSError of ``write``."""
        for piece in self.contents[files.CONTENT].read():
            write(piece)

    def write_archive(self, path: Path) -> None:
        """Write a disclosure bundle. Blocks. Raises as ``writing_archive``."""
        with writing_archive(path, self.bundle) as archive:
            for name in archive.missing:
                with archive.content(name) as write:
                    for piece in self.contents[name].read():
                        write(piece)

    def texts(self) -> tuple[str | None, ...]:
        """The contents that are short texts, by the messages' numbers; None for others. Blocks."""
        return tuple(self._text(number, each) for number, each in enumerate(self.bundle.messages))

    def _text(self, number: int, message: DisclosedMessage) -> str | None:
        disclosure = message.disclosure
        if disclosure is None or not disclosure.description.content_type.startswith("text/"):
            return None
        file = self.contents[file_name(number, files.CONTENT)]
        if file.length > _MAX_TEXT_BYTES:
            return None
        return b"".join(file.read()).decode(errors="backslashreplace")


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
            ContentDamaged, MalformedInput: what the author deposited does not open.
        """
        logged = await self._reader.get(digest)
        answered = logged.message.statement.answer
        if answered is not None:
            logged = await self._reader.get(answered.statement.digest)
        found = [logged, *await self._answers(logged)]
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._contents.turn())
            contents: dict[str, BundleFile] = {}
            messages: list[DisclosedMessage] = []
            for number, each in enumerate(found):
                record = each.message.record
                if number and not each.content_kept:
                    messages.append(each.message)
                    continue
                key = await self.content_key(each)
                path = await stack.enter_async_context(self._contents.fetched(record))
                name = file_name(number, files.CONTENT)
                contents[name] = opened_content(name, path, record, key.stream_key(record.header.core))
                messages.append(replace(each.message, disclosure=_disclosure(record, key)))
            revocations = await self._signer.fresh_revocations()
            bundle = Bundle(messages[0], tuple(messages[1:]), logged.authority, revocations)
            trust = BundleTrust(self._signer.authority, await self._signer.log.key(), tuple(time_stamps))
            yield Gathered(bundle, contents, trust)

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
        statement, names = logged.message.statement, {each.name for each in logged.message.statement.recipients}
        answers: dict[str, LoggedMessage] = {}
        for digest in logged.answers:
            found = await self._reader.find(digest)
            if found is None:  # it is not addressed to us
                continue
            answer = found.message.statement.answer
            if answer is None or answer.statement != statement:
                raise server_lied("EVIDENCE_OF_OTHER_MESSAGE", "it shows an answer to another message")
            if found.message.statement.author in names:
                answers.setdefault(found.message.statement.author, found)
        return [answers[name] for name in sorted(answers)]


def _disclosure(record: EvidenceRecord, key: ContentKey) -> Disclosure:
    """Step 3."""
    return Disclosure(open_trailer(key.trailer_key(record.header.core), record.trailer).description, key)
