"""What the finished PDF looks like, and what it proves: to us, to poppler and to OpenSSL, from the file alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from cryptography import x509
from PIL import Image

from contract.certificate_parts import common_name_of, load_certificate
from contract.documents.draft import DraftFormat
from contract.documents.fonts import Fonts
from contract.documents.reading import read_draft
from contract.documents.text import canonical_text
from contract.documents.typesetting.document import typeset
from contract.documents.typesetting.signatures import SignatureBlock
from contract.drafting.evidence import EVIDENCE_NAME, ContractEvidence
from contract.pades.attachments import attachment
from contract.pades.reading import open_pdf
from contract.watermark.documents import open_document
from contract.watermark.extraction import extract
from contract.watermark.key import WatermarkKey
from contract.watermark.payload import Payload, SignatureLayer, payload_bytes
from demo.drafting.negotiation import CHINESE_DOCX, CHINESE_DRAFT, CHINESE_PDF, ENGLISH_PDF
from demo.drafting.parties import AUTHORITY, Parties
from demo.drafting.pictures import AMPLIFIED, Comparison
from demo.openssl import ask_openssl
from demo.show import Show
from demo.stage import CommandFailed, Stage
from wire.fonts import find_fonts

PICTURES: Final = Path("build/demo")
"""Where pictures are left, from where the demo is started."""

_PLAIN_PDF: Final = "unmarked.zh.pdf"
_PAGE, _CLAUSE = "contract-watermark-page.png", "contract-watermark.png"
_PAGE_DPI, _CLAUSE_DPI = 150, 200
_CLAUSE_BOX: Final = ("-x", "190", "-y", "1312", "-W", "1290", "-H", "236")
"""Where the price stands, in pixels."""
_LABELS: Final = ("without watermark", "with watermark", f"difference, {AMPLIFIED} times as strong")
_UNSEEN: Final = 1.0
"""Mean difference of a pixel, of 255, below which nobody sees one."""


@dataclass(slots=True)
class Proof:
    """The third act. Each step returns what it came to, in a few words; one that does not hold raises."""

    parties: Parties

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("Look at the watermark", self._look),
            ("Verify from the file alone", self._verify),
            ("Ask poppler and OpenSSL", self._ask_others),
        ):
            with self._show.step(title) as shown:
                shown.outcome = step()

    def _look(self) -> str:
        self._show.say("The same draft is set without a watermark, and poppler draws the first page of both:")
        content, folder = (self._stage.folder / CHINESE_PDF).read_bytes(), self._stage.folder
        fonts = find_fonts()
        (folder / _PLAIN_PDF).write_bytes(self._unmarked(content, fonts))
        page, clause = self._compare(_PAGE_DPI), self._compare(_CLAUSE_DPI, _CLAUSE_BOX)
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.side_by_side(_LABELS, fonts).save(PICTURES / _PAGE)
        clause.side_by_side(_LABELS, fonts, stacked=True).save(PICTURES / _CLAUSE)
        self._show.say(f"Pictures: {PICTURES / _PAGE}, and of a clause {PICTURES / _CLAUSE}")
        texts = [self._stage.must(["pdftotext", file, "-"]).partition("\f")[0] for file in (_PLAIN_PDF, CHINESE_PDF)]
        if texts[0] != texts[1]:
            raise CommandFailed("the text of the page changed with the watermark")
        if not (page.largest > 0 and page.mean < _UNSEEN):
            raise CommandFailed(f"pixels differ by {page.mean:.2f} of 255 on average: not what nobody sees")
        known = x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())
        payload = extract(open_document(content), WatermarkKey.of_authority(known)).payload
        self._tell(payload)
        return f"on average a pixel differs by {page.mean:.2f} of 255; pdftotext finds the same text in both"

    def _tell(self, payload: Payload) -> None:
        """What the watermark carries: the signers' marks as they are, not digests of them."""
        draft = read_draft((self._stage.folder / CHINESE_DRAFT).read_bytes(), DraftFormat.MARKDOWN)
        bits, characters = 8 * payload_bytes(payload.layer, len(payload.entries)), len(canonical_text(draft.text))
        self._show.say(f"The watermark has {bits} bits, {bits / characters:.1f} for each of {characters} characters:")
        self._show.output(f"serial number {payload.serial}, time {payload.time:%Y-%m-%d %H:%M:%S} UTC")
        self._show.output(f"H  {payload.digest.hex()}")
        for number, entry in enumerate(payload.entries, start=1):
            self._show.output(f"M{number} {entry.hex()[:64]}...")
        if payload.layer is not SignatureLayer.WHOLE:
            raise CommandFailed("the watermark carries digests, not the marks")

    def _unmarked(self, marked: bytes, fonts: Fonts) -> bytes:
        """The draft of a contract, set as it was, without a watermark."""
        evidence = ContractEvidence.from_der(attachment(marked, EVIDENCE_NAME) or b"")
        names = tuple(common_name_of(load_certificate(each.certificate)) for each in evidence.signers)
        draft = read_draft((self._stage.folder / CHINESE_DRAFT).read_bytes(), DraftFormat.MARKDOWN)
        return typeset(draft, fonts, SignatureBlock(evidence.serial, evidence.time, names)).file

    def _compare(self, dpi: int, box: Sequence[str] = ()) -> Comparison:
        """The first page of both, or a box of it, as poppler draws it."""
        return Comparison(*(self._draw(file, dpi, box) for file in (_PLAIN_PDF, CHINESE_PDF)))

    def _draw(self, file: str, dpi: int, box: Sequence[str]) -> Image.Image:
        self._stage.must(["pdftoppm", "-png", "-r", str(dpi), *box, "-f", "1", "-singlefile", file, "page"])
        return Image.open(BytesIO((self._stage.folder / "page.png").read_bytes())).convert("RGB")

    def _verify(self) -> str:
        self._stage.stop_servers()
        self._show.say("The server is stopped. Carol has the files and the authority's certificate, and nothing else:")
        for file in (CHINESE_PDF, CHINESE_DOCX, ENGLISH_PDF):
            command = ["fourseal", "contract", "verify", file, "--authority", AUTHORITY, "--json"]
            self._show.command(command, who="carol")
            found = json.loads(self._stage.must(command))
            if found["outcome"] != "passed":
                raise CommandFailed(f"the contract does not hold: {found}")
            for who, each in (("document", found), *((each["account"], each) for each in found["signers"])):
                self._show.output(f"{who}: {', '.join(check['name'] for check in each['checks'])}: passed")
        return "who signed which text, to the last character; PDF and DOCX say the same"

    def _ask_others(self) -> str:
        self._show.say("Poppler, which many readers of PDF stand on; nobody told it of our authority:")
        command = ["pdfsig", CHINESE_PDF]
        self._show.command(command, who="carol")
        printed = self._stage.must(command)
        shown = ("Common Name", "Validation", "ocument signed", "Signature #")
        self._show.output("\n".join(each for each in printed.splitlines() if any(word in each for word in shown)))
        valid, whole = (printed.count(each) for each in ("Signature is Valid.", "- Total document signed"))
        if (valid, whole) != (2, 1):
            raise CommandFailed(f"poppler finds {valid} signatures valid, and {whole} of all of the file: {printed}")
        self._show.say("OpenSSL is given what each signature covers, and our authority's certificate:")
        content = (self._stage.folder / CHINESE_PDF).read_bytes()
        for number, each in enumerate(open_pdf(content).embedded_regular_signatures, start=1):
            signature, covered = f"signature{number}.der", f"covered{number}"
            begin, length, further, rest = (int(place) for place in each.byte_range)
            (self._stage.folder / signature).write_bytes(each.pkcs7_content)
            (self._stage.folder / covered).write_bytes(
                content[begin : begin + length] + content[further : further + rest]
            )
            verify = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-content", covered]
            trusted = ["-CAfile", AUTHORITY, "-purpose", "any", "-out", "/dev/null"]
            ask_openssl(self._show, self._stage, [*verify, *trusted], "Verification successful")
        return "two ordinary signatures (PAdES), the later one of the whole file"

    @property
    def _show(self) -> Show:
        return self.parties.show

    @property
    def _stage(self) -> Stage:
        return self.parties.stage
