"""The private arc."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from contract.oids import DEFAULT_ARC, Arc
from tests.mpc.refusals import malformed


def test_six_identifiers_under_the_arc() -> None:
    """All different."""
    arc = Arc("1.3.6.1.4.1.99999.7")
    found = [
        *(arc.session_info, arc.session_sign, arc.session_encrypt),
        *(arc.signer_sign, arc.signer_encrypt, arc.relay_pass),
    ]
    assert [each.dotted_string for each in found] == [f"1.3.6.1.4.1.99999.7.{number}" for number in range(1, 7)]


@pytest.mark.parametrize(
    "arc", ["", "1", "3.1", "1.40", "2.025.1", "1.3.", ".1.3", "1..3", "a.b", "1.3\n", "2." + "9" * 40]
)
def test_refused(arc: str) -> None:
    """No object identifier, or one that X.509 software cannot hold."""
    with malformed("ARC_MALFORMED"):
        Arc(arc)


def test_openssl_prints_the_default_arc(tmp_path: Path) -> None:
    """Its numbers are long: a UUID's."""
    extension = x509.UnrecognizedExtension(DEFAULT_ARC.session_info, b"\x30\x00")
    der = x509.ExtendedKeyUsage([DEFAULT_ARC.signer_sign]).public_bytes()
    assert extension.oid.dotted_string.startswith("2.25.")
    (tmp_path / "usage.der").write_bytes(der)
    printed = subprocess.run(
        ["openssl", "asn1parse", "-inform", "DER", "-in", tmp_path / "usage.der"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert DEFAULT_ARC.signer_sign.dotted_string in printed
