"""A contract as PDF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from contract.documents.text import canonical_text
from contract.watermark.channels import Channel, Track
from contract.watermark.pdf.interpreter import painted_pages
from contract.watermark.pdf.levels import Tracks
from contract.watermark.pdf.marks import Wanted, rewritten
from contract.watermark.pdf.objects import Objects, refusing_damage
from contract.watermark.pdf.reading import Reader
from contract.watermark.pdf.refusals import require_plain_file
from contract.watermark.pdf.revisions import earlier_text_differs
from contract.watermark.pdf.writing import Writer
from contract.watermark.refusals import require_plain_text
from mpc.errors import MalformedInput


class PdfDocument:
    """A PDF that is a plain contract. Its objects are not kept.

    Args:
        data: its file.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED, DOCUMENT_TOO_LARGE, DOCUMENT_ENCRYPTED, DOCUMENT_ACTIVE, DOCUMENT_DECEPTIVE,
            DOCUMENT_UNREADABLE, DOCUMENT_EMPTY.
    """

    channels: Final = (Channel.COLOUR, Channel.KERNING)
    usual_channels: Final = channels

    def __init__(self, data: bytes) -> None:
        self._data = data
        objects = Objects(data)
        reader, tracks = Reader(), Tracks()
        with refusing_damage():
            self._is_signed = require_plain_file(objects)
            for shows in painted_pages(objects):
                for placed in reader.page(shows):
                    tracks.add(placed)
        self.text = "".join(reader.text)
        require_plain_text(self.text)
        self.tracks: dict[Channel, Track] = tracks.finish()
        with refusing_damage():
            differs = earlier_text_differs(data, objects, self.text)
        self.remarks = tuple(_remarks("".join(reader.asides), differs=differs))

    def marked(self, levels: Mapping[Channel, Sequence[int | None]]) -> bytes:
        """The file with other levels, from the first place of each track on. The text stays, earlier revisions do not.

        Raises:
            MalformedInput: DOCUMENT_SIGNED.
        """
        if self._is_signed:
            raise MalformedInput("DOCUMENT_SIGNED", "the document is signed already")
        wanted = {
            channel: dict(zip(self.tracks[channel].places, each, strict=False)) for channel, each in levels.items()
        }
        of_text = Wanted(wanted.get(Channel.COLOUR, {}), wanted.get(Channel.KERNING, {}))
        objects = Objects(self._data)
        reader, writer = Reader(), Writer(objects)
        for shows in painted_pages(objects):
            writer.replace(rewritten(reader.page(shows), of_text))
        return writer.file()


def _remarks(asides: str, *, differs: bool) -> Iterator[str]:
    if asides.strip():
        yield f"not covered, as it is marked as no text: {canonical_text(asides)}"
    if differs:
        yield "an earlier revision in the file has another text"
