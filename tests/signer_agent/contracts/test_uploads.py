"""Uploads: one pass, going on after breaks, and never two segments under one key and nonce."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from fourseal.v1 import relay_service_pb2 as pb
from grpc import StatusCode

from contract.stream import SEGMENT_BYTES, SegmentOpener, SegmentSealer
from signer_agent.contracts.envelopes import BATCH_SEGMENTS, ContentSealing, SegmentTags
from signer_agent.contracts.relay_line import EnvelopeUpload
from signer_agent.contracts.sources import BytesSource, FileSource, Source, StreamSource
from signer_agent.contracts.uploads import Upload
from tests.signer_agent.contracts.cheating_relay import CheatingRelay, line_to
from tests.signer_agent.contracts.parts import Sealed
from tests.signer_agent.refusals import refused
from wire.status import RemoteError
from wire.streams import is_break

LONG = secrets.token_bytes(SEGMENT_BYTES) * (3 * BATCH_SEGMENTS) + b"end"


async def nothing_announced() -> Sequence[bytes]:
    """No announcement is due."""
    return ()


class Sending:
    """An envelope of alice's on its way."""

    def __init__(self, relay: CheatingRelay, source: Source, tags: Path | None = None) -> None:
        self.relay = relay
        self.source = source
        self.envelope = Sealed.of(b"")
        self.tags = SegmentTags(tags)
        self.finishes = 0
        self.sealed: tuple[int, int, bytes] | None = None

    def begin(self) -> ContentSealing:
        """From the first segment."""
        key = self.envelope.content_key.stream_key(self.envelope.header.core)
        return ContentSealing(self.source, SegmentSealer(key), self.tags)

    async def finish(self, content: ContentSealing) -> pb.PostEnvelopeRequest:
        """As signing would."""
        self.finishes += 1
        self.sealed = (content.segments, content.length, content.digest)
        finish = pb.EnvelopeFinish(segments=content.segments, sequence=1, trailer=b"trailer")
        return pb.PostEnvelopeRequest(finish=finish)

    async def run(self, first: int = 0) -> None:
        """Send all of it."""
        async with line_to(self.relay) as line:
            upload = Upload(
                EnvelopeUpload(line, self.envelope.envelope_id, self.envelope.header.to_der(), nothing_announced),
                self.begin,
                repeatable=self.source.repeatable,
                finish=self.finish,
                on_progress=lambda _: None,
            )
            await upload.run(first)

    def require_arrived(self, content: bytes) -> None:
        """See that the relay has exactly this."""
        stored = self.relay.envelopes[self.envelope.envelope_id]
        assert stored.finish is not None
        opener = SegmentOpener(self.envelope.content_key.stream_key(self.envelope.header.core))
        *most, last = stored.segments
        opened = b"".join([*(bytes(opener.open(each, last=False)) for each in most), opener.open(last, last=True)])
        assert opened == content
        assert self.sealed == (len(stored.segments), len(content), hashlib.sha256(content).digest())
        assert self.finishes == 1

    def require_one_text_each(self) -> None:
        """See that no place was ever filled with two ciphertexts."""
        seen: dict[tuple[str, int], bytes] = {}
        for envelope_id, number, segment in self.relay.sent:
            assert seen.setdefault((envelope_id, number), segment) == segment


@pytest.mark.parametrize(
    "content", [b"", b"x", bytes(SEGMENT_BYTES), bytes(SEGMENT_BYTES + 1), LONG], ids=lambda content: str(len(content))
)
async def test_content_arrives(content: bytes) -> None:
    """Of every length, with empty and full last segments."""
    sending = Sending(CheatingRelay(), BytesSource(content))
    await sending.run()
    sending.require_arrived(content)


@pytest.mark.parametrize("breaks", [[0], [1], [5, 0, 7], [BATCH_SEGMENTS] * 3, [3 * BATCH_SEGMENTS + 1]])
async def test_broken_upload_goes_on(breaks: list[int]) -> None:
    """Where it stopped, not from the beginning."""
    sending = Sending(CheatingRelay(breaks_of_uploads=list(breaks)), BytesSource(LONG))
    await sending.run()
    sending.require_arrived(LONG)
    sending.require_one_text_each()
    assert sending.relay.starts == sorted(sending.relay.starts)
    assert len(sending.relay.sent) == len(LONG) // SEGMENT_BYTES + 1


async def test_source_is_read_again_where_more_is_missing_than_was_kept(tmp_path: Path) -> None:
    """A relay that lost nearly all of it gets the same bytes once more."""
    path = tmp_path / "video.bin"
    path.write_bytes(LONG)
    relay = CheatingRelay(breaks_of_uploads=[3 * BATCH_SEGMENTS], forgotten=[3 * BATCH_SEGMENTS - 1])
    sending = Sending(relay, FileSource(path), tmp_path / "tags")
    await sending.run()
    sending.require_arrived(LONG)
    sending.require_one_text_each()


async def test_lost_answer_is_asked_for_again() -> None:
    """The envelope is signed and finished once."""
    sending = Sending(CheatingRelay(lost_answers=1), BytesSource(b"text"))
    await sending.run()
    sending.require_arrived(b"text")


async def test_relay_that_breaks_every_stream_is_given_up() -> None:
    """After some fruitless ones."""
    with refused("SERVER_UNAVAILABLE"):
        await Sending(CheatingRelay(breaks_of_uploads=[0] * 20), BytesSource(b"text")).run()


async def test_old_pass_is_replaced() -> None:
    """By a fresh one, and the upload begins."""
    relay = CheatingRelay(old_passes={b"pass 1"})
    sending = Sending(relay, BytesSource(b"text"))
    await sending.run()
    sending.require_arrived(b"text")
    assert relay.shown_passes[-1] == b"pass 2"


async def test_later_process_goes_on(tmp_path: Path) -> None:
    """It reads the file again, and sends what is missing."""
    path = tmp_path / "video.bin"
    path.write_bytes(LONG)
    sending = Sending(CheatingRelay(breaks_of_uploads=[2, *[0] * 6]), FileSource(path), tmp_path / "tags")
    with refused("SERVER_UNAVAILABLE"):
        await sending.run()
    sending.relay.breaks_of_uploads.clear()
    sending.relay.sent.clear()
    sending.tags = SegmentTags(tmp_path / "tags")
    await sending.run(first=2)
    sending.require_arrived(LONG)
    assert sending.relay.sent[0][1] == 2


async def test_changed_file_is_not_sealed_again_under_the_same_key(tmp_path: Path) -> None:
    """What a later process would send in the place of what was sent before would undo the encryption of both."""
    path = tmp_path / "video.bin"
    path.write_bytes(LONG)
    sending = Sending(CheatingRelay(breaks_of_uploads=[2, *[0] * 6]), FileSource(path), tmp_path / "tags")
    with refused("SERVER_UNAVAILABLE"):
        await sending.run()
    path.write_bytes(LONG[:-4] + b"!end")
    seen = len(sending.relay.sent)
    path.write_bytes(bytes([LONG[0] ^ 1]) + LONG[1:])
    sending.tags = SegmentTags(tmp_path / "tags")
    with refused("SOURCE_CHANGED", source="video.bin"):
        await sending.run(first=0)
    assert len(sending.relay.sent) == seen
    assert sending.finishes == 0


async def test_file_that_changes_while_it_is_sent_is_not_signed(tmp_path: Path) -> None:
    """Its size or its time tells."""
    path = tmp_path / "log.txt"
    path.write_bytes(LONG)

    class Growing(FileSource):
        def open(self):  # type: ignore[no-untyped-def]  # noqa: ANN202
            reading = super().open()
            with path.open("ab") as file:
                file.write(b"one more line")
            return reading

    sending = Sending(CheatingRelay(), Growing(path), tmp_path / "tags")
    with refused("SOURCE_CHANGED", source="log.txt"):
        await sending.run()
    assert sending.finishes == 0


async def _pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        await asyncio.sleep(0)
        yield content[at : at + size]


@pytest.mark.parametrize("size", [1 << 16, SEGMENT_BYTES + 7])
async def test_stream_arrives(size: int) -> None:
    """Whatever the size of its pieces; a short break does not hurt."""
    source = StreamSource(_pieces(LONG, size), asyncio.get_running_loop(), "video/mp4")
    sending = Sending(CheatingRelay(breaks_of_uploads=[5]), source)
    await sending.run()
    sending.require_arrived(LONG)


async def test_stream_cannot_be_read_again() -> None:
    """If the relay lost more of it than is in memory."""
    source = StreamSource(_pieces(LONG, SEGMENT_BYTES), asyncio.get_running_loop(), "video/mp4")
    with refused("SOURCE_NOT_REPEATABLE"):
        await Sending(
            CheatingRelay(breaks_of_uploads=[3 * BATCH_SEGMENTS], forgotten=[3 * BATCH_SEGMENTS]), source
        ).run()


async def test_unreadable_source_is_named(tmp_path: Path) -> None:
    """Before anything is sent."""
    path = tmp_path / "gone.pdf"
    path.write_bytes(b"here")
    source = FileSource(path)
    path.unlink()
    relay = CheatingRelay()
    with refused("FILE_UNUSABLE", file=str(path)):
        await Sending(relay, source).run()
    assert not relay.sent


@pytest.mark.parametrize("name", [".", "missing"])
def test_folder_or_nothing_is_no_source(tmp_path: Path, name: str) -> None:
    """Said at once."""
    with refused("FILE_UNUSABLE"):
        FileSource(tmp_path / name)


@pytest.mark.parametrize("code", [StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED])
def test_what_ends_a_line_is_a_break(code: StatusCode) -> None:
    """A server that shuts down may cancel what is under way: that is gone on with, as after any break."""
    assert is_break(RemoteError("UNEXPECTED", "", code))
    assert not is_break(RemoteError("UNEXPECTED", "", StatusCode.PERMISSION_DENIED))
