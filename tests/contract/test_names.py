"""Names, ids and texts: what two readers could take for different things is refused."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from contract import names
from tests.mpc.refusals import malformed

ACCEPTED: list[tuple[Callable[[str], str], str]] = [
    (names.check_account_name, "a"),
    (names.check_account_name, "alice.b-c_d9"),
    (names.check_account_name, "a" * 63),
    (names.check_display_name, "Alice O'Neill"),
    (names.check_display_name, "\u5f20\u4e09"),
    (names.check_display_name, "x" * 64),
    (names.check_subject, "Vertrag \u00fcber ein Haus"),
    (names.check_place, ""),
    (names.check_place, "https://meet.example/a?b=c#d"),
    (names.check_content_type, "application/pdf"),
    (names.check_content_type, "text/plain; charset=utf-8"),
    (names.check_file_name, ""),
    (names.check_file_name, "\u5408\u540c\u3000v2.pdf"),
    (names.check_file_name, "\u00e9" * 127),
]

REFUSED: list[tuple[Callable[[str], str], str, str]] = [
    *(
        (names.check_account_name, "ACCOUNT_NAME_MALFORMED", name)
        for name in ("", "a" * 64, "Alice", "-a", "a.", "a b", "a\n", "a\x00", "\u0430lice", "\uff41", "a/b")
    ),
    *(
        (names.check_display_name, "DISPLAY_NAME_MALFORMED", name)
        for name in (
            *("", "x" * 65, " Alice", "Alice ", "Al\x00ice", "Al\nice", "Al\u2028ice", "Al\u202eice", "Al\u200bice"),
            *("Al\u2066ice", "e\u0301", "\ud800", "\ue000", "\U000e0041", "\u0378"),
        )
    ),
    *((names.check_subject, "SUBJECT_MALFORMED", text) for text in ("", "x" * 201, "a\tb", "a\u061cb")),
    *((names.check_why, "WHY_MALFORMED", text) for text in ("", "x" * 1025, "\u20ac" * 342, "two\nlines", "a\u202eb")),
    *(
        (names.check_place, "PLACE_MALFORMED", place)
        for place in (
            "meet.example",
            "https://a b",
            "https://\u00e9",
            "https://x/" + "y" * 2000,
            "x:",
            " https://x",
            "HTTP://x\n",
        )
    ),
    *(
        (names.check_content_type, "CONTENT_TYPE_MALFORMED", kind)
        for kind in (
            *(
                "",
                "text",
                "text/",
                "Text/plain",
                "text/plain;charset=utf-8",
                "text/plain; charset",
                "a/b" * 50,
                "a/b\n",
            ),
            'text/plain; charset="utf-8"',
        )
    ),
    *(
        (names.check_file_name, "FILE_NAME_MALFORMED", name)
        for name in ("a/b", "..", ".", "a\\b", "a\x00b", "\u00e9" * 128, " a", "a\u202etxt.exe", "x" * 256, "\ud800")
    ),
    *(
        (names.check_session_id, "SESSION_ID_MALFORMED", text)
        for text in (
            "",
            "session-",
            "session-" + "a" * 25,
            "session-" + "A" * 26,
            "session-" + "1" * 26,
            "key-" + "a" * 26,
        )
    ),
    *(
        (names.check_envelope_id, "ENVELOPE_ID_MALFORMED", text)
        for text in ("session-" + "a" * 26, "envelope-" + "a" * 27, "envelope-" + "a" * 26 + "\n")
    ),
]


@pytest.mark.parametrize(("check", "text"), ACCEPTED)
def test_accepted(check: Callable[[str], str], text: str) -> None:
    """And given back as it is."""
    assert check(text) == text


@pytest.mark.parametrize(("check", "reason", "text"), REFUSED)
def test_refused(check: Callable[[str], str], reason: str, text: str) -> None:
    """Each breaks one rule."""
    with malformed(reason):
        check(text)


def test_new_ids_are_well_formed_and_random() -> None:
    """Every bit of the randomness stands in them."""
    assert names.check_session_id(names.new_session_id(secrets.token_bytes))
    assert names.check_envelope_id(names.new_envelope_id(secrets.token_bytes))
    assert names.new_session_id(bytes) == "session-" + "a" * 26
    assert names.new_envelope_id(lambda count: b"\xff" * count) == "envelope-" + "7" * 25 + "4"
