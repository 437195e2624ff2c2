"""Names that travel: only those of the right form pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.errors import MalformedInput
from tests.mpc.refusals import malformed
from wire.ids import check_agent_id, check_key_id, check_request_id, new_key_id, new_request_id

KEY_ID = "key-" + "a" * 26


def test_new_ids_pass_their_own_check_and_differ() -> None:
    """16 random bytes each."""
    requests, keys = ({make() for _ in range(100)} for make in (new_request_id, new_key_id))
    assert len(requests) == len(keys) == 100
    assert {check_request_id(request) for request in requests} == requests
    assert {check_key_id(key) for key in keys} == keys
    assert {len(request) for request in requests} == {22}
    assert {len(key) for key in keys} == {30}


@pytest.mark.parametrize("request_id", ["a" * 16, "Z" * 64, "0123456789-_abcD"])
def test_request_ids(request_id: str) -> None:
    """Shortest, longest, every kind of character."""
    assert check_request_id(request_id) == request_id


@pytest.mark.parametrize(
    "request_id",
    ["", "a" * 15, "a" * 65, "a" * 16 + "\n", "a" * 15 + "é", "a" * 15 + " ", "a" * 15 + "\uff11", "a" * 15 + "/"],
)
def test_other_request_ids_are_refused(request_id: str) -> None:
    """Too short, too long, other characters, a line's end behind."""
    with malformed("REQUEST_ID_MALFORMED"):
        check_request_id(request_id)


@pytest.mark.parametrize(
    "key_id",
    ["", "key-", "a" * 30, KEY_ID + "a", KEY_ID[:-1], KEY_ID + "\n", KEY_ID.upper(), KEY_ID[:-1] + "1", " " + KEY_ID],
)
def test_other_key_ids_are_refused(key_id: str) -> None:
    """Also those that a file system or a terminal would take for something else."""
    with malformed("KEY_ID_MALFORMED"):
        check_key_id(key_id)


@pytest.mark.parametrize("agent_id", ["a", "0", "alice", "a.b-c_d", "a" * 63])
def test_agent_ids(agent_id: str) -> None:
    """One character to 63."""
    assert check_agent_id(agent_id) == agent_id


@pytest.mark.parametrize(
    "agent_id", ["", "-", ".", "..", "_a", "-a", ".a", "a" * 64, "Alice", "a b", "a/b", "a\n", "ä", "a\0", "a,CN=b"]
)
def test_other_agent_ids_are_refused(agent_id: str) -> None:
    """Also those that a certificate's name or a path would take for something else."""
    with malformed("AGENT_ID_MALFORMED"):
        check_agent_id(agent_id)


@given(text=st.text(max_size=80), check=st.sampled_from([check_request_id, check_key_id, check_agent_id]))
def test_any_text_passes_unchanged_or_is_malformed(text: str, check: Callable[[str], str]) -> None:
    """No other error comes out, and nothing is corrected in silence."""
    try:
        passed = check(text)
    except MalformedInput:
        passed = text
    assert passed == text
