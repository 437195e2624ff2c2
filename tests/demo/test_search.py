"""The demo finds a secret in whatever form a server would have written it down."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path

import pytest

from demo.search import forms, read_all, search

_SECRET = b"\xfb\xff\x00" + bytes(range(200, 240))
_TEXT = "Agreed. The delivery on Friday suits me."


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("secret", [_SECRET, _TEXT.encode()])
def test_every_form_is_found(tmp_path: Path, secret: bytes, before: int) -> None:
    """Among other bytes, wherever it begins; and only where it is."""
    around = secrets.token_bytes(before), secrets.token_bytes(5)
    whole = around[0] + secret + around[1]
    written = {
        "raw": whole,
        "hex": whole.hex().encode(),
        "HEX": whole.hex().upper().encode(),
        "base64": base64.b64encode(whole),
        "url": base64.urlsafe_b64encode(whole),
        "json": json.dumps({"digest": base64.b64encode(whole).decode()}).encode(),
    }
    (tmp_path / "folder").mkdir()
    for name, content in written.items():
        (tmp_path / "folder" / name).write_bytes(content)
    (tmp_path / "other").write_bytes(secrets.token_bytes(4096))
    found = " ".join(search({"it": secret}, read_all([tmp_path / "folder", tmp_path / "other"])))
    assert [name for name in written if f"it stands in {name} " not in found] == []
    assert "other" not in found


@pytest.mark.parametrize("order", ["utf-16", "utf-16-le", "utf-16-be"])
def test_text_of_two_bytes_a_letter_is_found(tmp_path: Path, order: str) -> None:
    """As Windows and Java write it."""
    (tmp_path / "log").write_bytes(f"remark: {_TEXT}".encode(order))
    assert search({"the remark": _TEXT}, read_all([tmp_path]))


def test_needles_are_long_enough_to_be_no_accident() -> None:
    """And the forms differ."""
    assert min(map(len, forms(_SECRET).values())) >= 24
    assert len(set(forms(_SECRET).values())) == 9
