"""PDFs signed with joint keys: every level, found good by us, pyHanko, OpenSSL and poppler."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from contract.pades.attachments import attachment, with_attachment
from contract.pades.model import ALGORITHMS, Level, RevocationData
from contract.pades.signatures import pdf_signatures
from mpc.errors import FoursealError
from mpc.four_prime_rsa import SignatureAlgorithm
from tests.contract.pades.signers import JointSigner, page
from tests.contract.tsa import TimeStampAuthority
from tests.contract.world import NOW, Issuer
from tests.mpc.refusals import malformed
from wire.catalogue import ServiceError


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> TimeStampAuthority:
    """Stamps by the machine's clock."""
    return TimeStampAuthority(tmp_path_factory.mktemp("tsa"))


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a program there."""
    return subprocess.run(command, cwd=folder, capture_output=True, check=False)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_other_software(
    authority: Issuer, pdf_alice: JointSigner, tmp_path: Path, algorithm: SignatureAlgorithm
) -> None:
    """Finds our signature good, in both paddings."""
    signed = await pdf_alice.sign(page(), algorithm=algorithm)
    assert (signed.level, signed.unstamped) == (Level.B_B, None)
    file = tmp_path / "signed.pdf"
    file.write_bytes(signed.file)

    with file.open("rb") as opened:
        embedded = PdfFileReader(opened).embedded_regular_signatures[0]
        root = asn1_x509.Certificate.load(authority.certificate.public_bytes(Encoding.DER))
        context = ValidationContext(trust_roots=[root], moment=NOW, allow_fetching=False)
        status = await async_validate_pdf_signature(embedded, context)
        assert status.bottom_line, status.pretty_print_details()
        contents, ranges = embedded.pkcs7_content, [int(each) for each in embedded.byte_range]

    (tmp_path / "root.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "cms").write_bytes(contents)
    covered = signed.file[: ranges[1]] + signed.file[ranges[2] : ranges[2] + ranges[3]]
    for content, status_code in ((covered, 0), (covered.replace(b"1000", b"9000") + b" ", 4)):
        (tmp_path / "content").write_bytes(content)
        verified = await asyncio.to_thread(
            run,
            *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "cms", "-content", "content"),
            *("-CAfile", "root.pem", "-purpose", "any", "-attime", str(int(NOW.timestamp())), "-out", "/dev/null"),
            folder=tmp_path,
        )
        assert verified.returncode == status_code, verified.stderr

    if shutil.which("pdfsig"):
        report = (await asyncio.to_thread(run, "pdfsig", "signed.pdf", folder=tmp_path)).stdout
        assert b"Signature is Valid" in report
        assert b"Total document signed" in report


async def test_one_after_the_other(authority: Issuer, by_alice: bytes, by_both: bytes) -> None:
    """Each covers all that came before, and all hold."""
    assert by_both.startswith(by_alice)
    alice, bob = pdf_signatures(by_both, [authority.certificate])
    assert [(each.account, each.field, each.problems) for each in (alice, bob)] == [
        ("alice", "alice", ()),
        ("bob", "bob", ()),
    ]
    assert (alice.whole, alice.signed_bytes, bob.whole) == (False, len(by_alice), True)
    assert alice.time == NOW


async def test_field_that_was_not_there(authority: Issuer, pdf_bob: JointSigner, by_alice: bytes) -> None:
    """The signature does not show then, and the earlier one holds."""
    signed = await pdf_bob.sign(by_alice, field="further")
    assert [each.problems for each in pdf_signatures(signed.file, [authority.certificate])] == [(), ()]


async def test_time_stamp(authority: Issuer, pdf_alice: JointSigner, tsa: TimeStampAuthority) -> None:
    """The signature existed by then: a certificate counts at that time, which here it does not live to see."""

    async def stamp(data: bytes) -> bytes:
        return tsa.stamp(data)

    signed = await pdf_alice.sign(page(), timestamper=stamp)
    assert (signed.level, signed.unstamped) == (Level.B_T, None)
    (found,) = pdf_signatures(signed.file, [authority.certificate], [tsa.root])
    assert found.level is Level.B_T
    assert found.stamp_time is not None
    (other,) = pdf_signatures(signed.file, [authority.certificate], [authority.certificate])
    assert "TIME_STAMP_NOT_GENUINE" in other.problems
    (unasked,) = pdf_signatures(signed.file, [authority.certificate])
    assert (unasked.level, unasked.problems) == (Level.B_B, ())


async def test_time_stamp_fails(authority: Issuer, pdf_alice: JointSigner, tsa: TimeStampAuthority) -> None:
    """An authority that is down, or answers with something else, costs the level and not the signature."""

    async def down(data: bytes) -> bytes:
        raise ServiceError("TIME_STAMP_UNAVAILABLE", cause=f"{len(data)} bytes are too many today")

    async def of_something_else(_: bytes) -> bytes:
        return tsa.stamp(b"something else")

    async def nonsense(_: bytes) -> bytes:
        return b"nonsense"

    for timestamper, reason in (
        (down, "TIME_STAMP_UNAVAILABLE"),
        (of_something_else, "TIME_STAMP_MALFORMED"),
        (nonsense, "TIME_STAMP_MALFORMED"),
    ):
        signed = await pdf_alice.sign(page(), timestamper=timestamper)
        assert isinstance(signed.unstamped, FoursealError)
        assert (signed.level, signed.unstamped.reason) == (Level.B_B, reason)
        (found,) = pdf_signatures(signed.file, [authority.certificate], [tsa.root])
        assert found.problems == ()


async def test_revocation_data(authority: Issuer, pdf_alice: JointSigner, pdf_bob: JointSigner) -> None:
    """Stands in the file: a signature from before the revocation holds, one from after does not."""

    def revoked_at(minutes: int) -> RevocationData:
        entry = (pdf_alice.certificate, NOW + timedelta(minutes=minutes), None)
        built = authority.revocation_list(entry, issued=NOW + timedelta(hours=1), next_update=NOW + timedelta(days=2))
        return RevocationData(
            certificates=(authority.certificate.public_bytes(Encoding.DER),), lists=(authority.sign_list(built),)
        )

    for minutes, problems in ((5, ()), (-5, ("CERTIFICATE_REVOKED",))):
        signed = await pdf_alice.sign(page(), revocation=revoked_at(minutes))
        both = await pdf_bob.sign(signed.file, minutes=2)
        found = pdf_signatures(both.file, [authority.certificate])
        assert [each.problems for each in found] == [problems, ()]


async def test_long_term(authority: Issuer, pdf_alice: JointSigner, tsa: TimeStampAuthority) -> None:
    """Time stamp and revocation data together."""
    now = datetime.now(UTC)
    built = authority.revocation_list(issued=now, next_update=now + timedelta(days=1))

    async def stamp(data: bytes) -> bytes:
        return tsa.stamp(data)

    revocation = RevocationData(lists=(authority.sign_list(built),))
    signed = await pdf_alice.sign(page(), timestamper=stamp, revocation=revocation)
    assert signed.level is Level.B_LT
    (found,) = pdf_signatures(signed.file, [authority.certificate], [tsa.root])
    assert found.level is Level.B_LT


async def test_what_cannot_be_signed(pdf_alice: JointSigner, by_alice: bytes) -> None:
    """A field that has a signature; what is no PDF; a truncated one."""
    with pytest.raises(FoursealError) as caught:
        await pdf_alice.sign(by_alice)
    assert caught.value.reason == "PDF_UNSIGNABLE"
    for file in (b"", b"%PDF-1.7\n", page()[:-200], b"\0" * 3000):
        with malformed("PDF_MALFORMED"):
            await pdf_alice.sign(file)


async def test_attachment(authority: Issuer, pdf_alice: JointSigner) -> None:
    """Is read back, also from the signed file; two of one name are refused."""
    held = with_attachment(page(), "evidence.der", b"\x30\x03" * 1000)
    signed = await pdf_alice.sign(held)
    assert attachment(signed.file, "evidence.der") == b"\x30\x03" * 1000
    assert attachment(signed.file, "other.der") is None
    assert attachment(page(), "evidence.der") is None
    with malformed("PDF_MALFORMED"):
        with_attachment(held, "evidence.der", b"other")
    later = with_attachment(signed.file, "evidence.txt", b"other")
    (found,) = pdf_signatures(later, [authority.certificate])
    assert found.problems == ("PDF_CHANGED_AFTER",)
