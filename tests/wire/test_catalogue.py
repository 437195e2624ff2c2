"""The catalogue has every reason that there is, and can say each of them in full."""

from __future__ import annotations

import re
from string import Formatter

import pytest
from grpc import StatusCode

from mpc.errors import FoursealError
from tests.architecture.source import modules
from tests.wire.raised import Finder
from wire.catalogue import _ENTRIES, CATALOGUE, Entry, ServiceError, render

CLIENT_CODES = {
    *(StatusCode.INVALID_ARGUMENT, StatusCode.FAILED_PRECONDITION, StatusCode.PERMISSION_DENIED, StatusCode.ABORTED),
    *(StatusCode.UNAUTHENTICATED, StatusCode.NOT_FOUND, StatusCode.ALREADY_EXISTS, StatusCode.RESOURCE_EXHAUSTED),
    *(StatusCode.DEADLINE_EXCEEDED, StatusCode.UNAVAILABLE, StatusCode.DATA_LOSS),
}
FAULTS_OF_OURS = {"FAULT_DETECTED", "UNEXPECTED"}


@pytest.fixture(scope="module")
def project() -> Finder:
    """Every place in the project where a reason begins."""
    found = Finder(modules())
    assert len(found.raised) > 100
    return found


def placeholders(entry: Entry) -> set[str]:
    """Names of the metadata that the message shows."""
    return {name for _, name, _, _ in Formatter().parse(entry.message) if name}


def test_every_reason_stands_there_once() -> None:
    """Two that were added apart would hide one another."""
    assert len(CATALOGUE) == len(_ENTRIES)


def test_every_reason_in_the_project_can_be_followed(project: Finder) -> None:
    """Otherwise the tests below would overlook it."""
    assert project.not_followed == []


def test_every_reason_in_the_project_has_an_entry(project: Finder) -> None:
    """A reason without one would be answered as a fault of ours."""
    unknown = [
        raised for raised in project.raised if not any(re.fullmatch(raised.pattern, reason) for reason in CATALOGUE)
    ]
    assert unknown == []


def test_every_place_gives_the_metadata_that_the_message_shows(project: Finder) -> None:
    """Nobody reads a question mark where the name of a key should stand."""
    incomplete = [
        (raised.place, raised.pattern, sorted(missing))
        for raised in project.raised
        if raised.metadata is not None
        and (entry := CATALOGUE.get(raised.pattern)) is not None
        and (missing := placeholders(entry) - raised.metadata)
    ]
    assert incomplete == []


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_entry_is_well_formed(entry: Entry) -> None:
    """Stable name, suitable code, whole sentences, plain placeholders."""
    assert CATALOGUE[entry.reason] is entry
    assert re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", entry.reason)
    assert (entry.code is StatusCode.INTERNAL) == (entry.reason in FAULTS_OF_OURS)
    assert entry.code in CLIENT_CODES | {StatusCode.INTERNAL}
    for sentence in (entry.message, entry.action):
        assert re.fullmatch(r"[A-Za-z{].*[.]", sentence)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in placeholders(entry))
    assert placeholders(Entry("", entry.code, entry.action, "")) == set()


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_entry_is_rendered_without_question_marks(entry: Entry) -> None:
    """With all metadata, message and action stand there."""
    metadata: dict[str, str | int] = {name: f"<{name}>" for name in placeholders(entry)}
    text = render(entry, metadata)
    assert "?" not in text
    assert all(f"<{name}>" in text for name in metadata)
    assert text.endswith(entry.action)
    error = ServiceError(entry.reason, **metadata)
    assert (error.reason, error.metadata, str(error)) == (entry.reason, metadata, text)


def test_missing_metadata_is_a_question_mark_and_no_second_error() -> None:
    """An error about an error helps nobody."""
    assert render(CATALOGUE["KEY_NOT_FOUND"], {}).startswith("You have no key ?.")


def test_metadata_is_text_and_never_a_format() -> None:
    """What a caller sent is shown as it is; and it may be called like a parameter of ours."""
    error = ServiceError("KEY_NOT_FOUND", key_id="{reason.__class__}", reason="other", self=3)
    assert "{reason.__class__}" in str(error)
    assert error.reason == "KEY_NOT_FOUND"
    assert error.metadata == {"key_id": "{reason.__class__}", "reason": "other", "self": "3"}


def test_unknown_reason_is_a_mistake_at_once() -> None:
    """Where it is raised, not where it is answered."""
    with pytest.raises(KeyError):
        ServiceError("NO_SUCH_REASON")


def test_service_errors_are_ours() -> None:
    """Whoever catches FoursealError catches them."""
    assert isinstance(ServiceError("UNEXPECTED"), FoursealError)
