"""What proves long after that a certificate held: revocation data in the PDF's security store (DSS; B-LT)."""

from __future__ import annotations

import io
from collections.abc import Iterator

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import DocumentSecurityStore

from contract.pades.model import RevocationData
from contract.pades.reading import entry, readable
from contract.revocation import RevocationList
from mpc.errors import FoursealError


def with_revocation_data(pdf: bytes, data: RevocationData, contents: bytes) -> bytes:
    """The PDF with this in its security store, as an incremental update.

    Args:
        pdf: signed.
        data: that is put in.
        contents: of the signature that it is for, hexadecimal as in the file.

    Raises:
        MalformedInput: PDF_MALFORMED.
    """
    out = io.BytesIO(pdf)
    with readable("revocation data cannot be put in"):
        DocumentSecurityStore.add_dss(
            out,
            contents,
            certs=[asn1_x509.Certificate.load(each) for each in data.certificates],
            crls=[asn1_crl.CertificateList.load(each) for each in data.lists],
            ocsps=[asn1_ocsp.OCSPResponse.load(each) for each in data.responses],
        )
    return out.getvalue()


def revocation_lists(reader: PdfFileReader, authority: x509.Certificate) -> Iterator[RevocationList]:
    """The lists of that authority in the PDF's security store.

    Raises:
        MalformedInput: PDF_MALFORMED.
    """
    with readable("its revocation data cannot be read"):
        found = entry(entry(reader.root, "/DSS", {}), "/CRLs", ())
        lists = [bytes(found[place].data) for place in range(len(found))]
    for data in lists:
        try:
            yield RevocationList.read(data, authority)
        except FoursealError:
            continue  # another authority's; or nobody's, and then it says nothing
