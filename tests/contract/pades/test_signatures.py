"""Whatever is wrong with a signed PDF is named: changed, moved, forged, covered, continued by somebody."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable

import pytest
from pyhanko.pdf_utils.generic import ArrayObject, FloatObject, NameObject, StreamObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, append_signature_field

from contract.pades import signatures
from contract.pades.continuation import signature_added
from contract.pades.signatures import pdf_signatures
from mpc.errors import FoursealError, MalformedInput
from tests.contract.pades.signers import JointSigner, joint_signer, page
from tests.contract.refusals import unverified
from tests.contract.world import Issuer
from tests.mpc.refusals import malformed
from wire.catalogue import CATALOGUE


def problems(pdf: bytes, authority: Issuer) -> list[tuple[str, ...]]:
    """Of each signature."""
    return [each.problems for each in pdf_signatures(pdf, [authority.certificate])]


def with_more_content(pdf: bytes) -> bytes:
    """An update that paints over the page."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    found = writer.root["/Pages"]["/Kids"][0]
    painted = writer.add_object(StreamObject(stream_data=b"0 0 200 800 re f"))
    found["/Contents"] = ArrayObject([found.raw_get("/Contents"), painted])
    writer.update_container(found)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def with_moved_field(pdf: bytes) -> bytes:
    """An update that makes the field of a signature as large as the page."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    field = writer.root["/AcroForm"]["/Fields"][0]
    field[NameObject("/Rect")] = ArrayObject(map(FloatObject, (0, 0, 600, 800)))
    writer.update_container(field)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_changed_byte(authority: Issuer, by_both: bytes) -> None:
    """No byte that a signature covers can change unnoticed.

    The last one does not cover itself: the case of its digits means nothing, nor the authority's certificate in it.
    """
    chosen = random.Random(8)  # noqa: S311
    *_, last = re.finditer(rb"/Contents ?<[^>]*>", by_both)
    covered = [*range(last.start()), *range(last.end(), len(by_both))]
    for place in chosen.sample(covered, 60):
        changed = bytearray(by_both)
        changed[place] ^= 1 << chosen.randrange(8)
        try:
            found = pdf_signatures(bytes(changed), [authority.certificate])
        except MalformedInput:
            continue
        assert len(found) < 2 or any(each.problems for each in found), place


def test_changed_amount(authority: Issuer, by_alice: bytes) -> None:
    """The example that everybody thinks of."""
    original = page()
    assert by_alice.startswith(original)
    position = original.index(b"endstream") - 20
    changed = by_alice[:position] + bytes([by_alice[position] ^ 1]) + by_alice[position + 1 :]
    assert problems(changed, authority) == [("PDF_ALTERED",)]


async def test_swapped_signature(authority: Issuer, pdf_alice: JointSigner, by_alice: bytes) -> None:
    """Of another file, put in the place of the one that is there."""
    other = (await pdf_alice.sign(page("The price is 9000."))).file

    def hexadecimal(pdf: bytes) -> tuple[int, int]:
        begin = pdf.index(b"/Contents <") + len(b"/Contents <")
        return begin, pdf.index(b">", begin)

    begin, end = hexadecimal(by_alice)
    other_begin, other_end = hexadecimal(other)
    assert end - begin == other_end - other_begin
    swapped = by_alice[:begin] + other[other_begin:other_end] + by_alice[end:]
    assert problems(swapped, authority) == [("PDF_ALTERED",)]


async def test_anothers_certificate(authority: Issuer, pdf_alice: JointSigner, pdf_bob: JointSigner) -> None:
    """Does not fit the key that signed."""
    forged = await pdf_bob.with_certificate_of(pdf_alice).sign(page())
    assert problems(forged.file, authority) == [("PDF_SIGNATURE_WRONG",)]


async def test_another_authoritys(authority: Issuer, pdf_alice: JointSigner) -> None:
    """A certificate that says the same."""
    impostor = joint_signer(Issuer(), "alice", pdf_alice.keys)
    signed = await impostor.sign(page())
    assert problems(signed.file, authority) == [("CERTIFICATE_NOT_ISSUED",)]


async def test_time_of_certificate(authority: Issuer, pdf_alice: JointSigner) -> None:
    """Signed when the certificate had ended."""
    signed = await pdf_alice.sign(page(), minutes=60 * 24 * 400)
    assert problems(signed.file, authority) == [("CERTIFICATE_NOT_VALID",)]


@pytest.mark.parametrize("attack", [with_more_content, with_moved_field])
async def test_shadow(
    authority: Issuer, pdf_bob: JointSigner, by_alice: bytes, attack: Callable[[bytes], bytes]
) -> None:
    """Something added after a signature, by somebody or together with the next signature, is found."""
    attacked = attack(by_alice)
    assert problems(attacked, authority) == [("PDF_CHANGED_AFTER",)]
    signed = await pdf_bob.sign(attacked)
    assert problems(signed.file, authority)[0] == ("PDF_CHANGED_AFTER",)
    with unverified("PDF_CHANGED_WITH"):
        signature_added(by_alice, signed.file, [authority.certificate])


async def test_new_visible_field(authority: Issuer, pdf_bob: JointSigner, by_alice: bytes) -> None:
    """A further field over the text, with an appearance of its signer's choice."""
    writer = IncrementalPdfFileWriter(io.BytesIO(by_alice))
    append_signature_field(writer, SigFieldSpec("over", box=(0, 0, 600, 800)))
    out = io.BytesIO()
    writer.write(out)
    signed = await pdf_bob.sign(out.getvalue(), field="over")
    assert problems(signed.file, authority)[0] == ("PDF_CHANGED_AFTER",)


async def test_changed_before_the_first(authority: Issuer, pdf_alice: JointSigner) -> None:
    """What the first signer added before signing is found by who has the file as it was."""
    base = page()
    signed = (await pdf_alice.sign(with_more_content(base))).file
    with unverified("PDF_CHANGED_WITH"):
        signature_added(base, signed, [authority.certificate])


async def test_continued(authority: Issuer, pdf_alice: JointSigner, by_alice: bytes, by_both: bytes) -> None:
    """One further signature, of whomever; not none, not two, not another file."""
    roots = [authority.certificate]
    assert signature_added(page(), by_alice, roots).account == "alice"
    assert signature_added(by_alice, by_both, roots).account == "bob"
    other = (await pdf_alice.sign(page("The price is 9000."))).file
    for before, after in ((page(), page()), (page(), by_both), (by_alice, other), (by_both, by_alice)):
        with unverified("PDF_NOT_CONTINUED"):
            signature_added(before, after, roots)


async def test_continued_badly(authority: Issuer, pdf_alice: JointSigner, pdf_bob: JointSigner) -> None:
    """By a signature that does not hold."""
    forged = await pdf_bob.with_certificate_of(pdf_alice).sign(page())
    with unverified("PDF_SIGNATURE_REFUSED"):
        signature_added(page(), forged.file, [authority.certificate])


async def test_certified(authority: Issuer, pdf_alice: JointSigner, pdf_bob: JointSigner) -> None:
    """A first signature that says what may follow it, which ours do not: obeyed when signing and when reading."""
    ours = ("PDF_CHANGED_WITH",)  # what says so stands in the file beside the signature
    certified = await pdf_alice.certify(page(), MDPPerm.NO_CHANGES)
    assert problems(certified, authority) == [ours]
    with pytest.raises(FoursealError) as caught:
        await pdf_bob.sign(certified)
    assert caught.value.reason == "PDF_UNSIGNABLE"
    allowed = await pdf_alice.certify(page(), MDPPerm.FILL_FORMS)
    signed = await pdf_bob.sign(allowed)
    assert problems(signed.file, authority) == [ours, ()]
    assert problems(with_more_content(allowed), authority) == [(*ours, "PDF_CHANGED_AFTER")]


def test_malformed(authority: Issuer) -> None:
    """No file at all, and an encrypted one."""
    for file in (b"", b"%PDF-1.7", page()[:100]):
        with malformed("PDF_MALFORMED"):
            pdf_signatures(file, [authority.certificate])


def test_reasons_are_told() -> None:
    """Every reason that stands in the module's list is in the catalogue."""
    named = {line.split(":")[0].strip("- ") for line in (signatures.__doc__ or "").splitlines() if line[:2] == "- "}
    assert named - {"CERTIFICATE_REVOKED"} <= set(CATALOGUE)
    assert len(named) == 6
