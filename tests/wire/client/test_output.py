"""Lists for people: a table, or the rows one by one where a table would cut words."""

from __future__ import annotations

import pytest

from wire.client.output import Output


def test_a_list_that_no_table_can_hold_shows_every_value_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Digests are copied from lists into commands."""
    digests = ["a" * 64, "b" * 64, "c" * 64]
    columns = ("Permission", "Statement", "Session", "Why")
    Output().show_table([], columns, [[*digests, "a dispute"], [*reversed(digests), ""]])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        *(f"{name:<10}  {digest}" for name, digest in zip(columns, digests, strict=False)),
        "Why         a dispute",
        "",
        *(f"{name:<10}  {digest}" for name, digest in zip(columns, reversed(digests), strict=False)),
        "",
    ]


def test_a_value_cannot_pass_for_another_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever chose a name chose it so that it breaks where a terminal's next line begins."""
    forged = f"x{' ' * 187}Verified  verified"
    Output().show_table([], ("What", "Digest", "Verified"), [[forged, "d" * 200, "NOT verified"]])
    begins = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Verified")]
    assert [line.rstrip() for line in begins] == ["Verified  NOT verified"]


def test_a_list_that_fits_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Also where long texts are folded between words."""
    Output().show_table([], ("Name", "What"), [["alice", "some words, " * 40]])
    assert "│ alice │ some words," in capsys.readouterr().out
