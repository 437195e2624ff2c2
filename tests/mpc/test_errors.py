"""Errors say whose fault it is, and carry whatever varies."""

from __future__ import annotations

import pytest

from mpc.errors import (
    DecryptionFailed,
    FaultDetected,
    FoursealError,
    MalformedInput,
    PeerMisbehaved,
    WrongPurpose,
    blaming,
)


@pytest.mark.parametrize(
    ("error", "reason", "metadata"),
    [
        (FoursealError("A_REASON", "text", size=1, name="x"), "A_REASON", {"size": "1", "name": "x"}),
        (MalformedInput("A_REASON", "text"), "A_REASON", {}),
        (PeerMisbehaved("A_REASON", "text", culprit="client", size=1), "A_REASON", {"culprit": "client", "size": "1"}),
        (WrongPurpose(wanted="sign", found="decrypt"), "WRONG_PURPOSE", {"wanted": "sign", "found": "decrypt"}),
        (DecryptionFailed(), "DECRYPTION_FAILED", {}),
        (FaultDetected("partial"), "FAULT_DETECTED", {"what": "partial"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, FoursealError) else None,
)
def test_reason_and_metadata(error: FoursealError, reason: str, metadata: dict[str, str]) -> None:
    """The metadata is text, so that it can travel."""
    assert (error.reason, error.metadata) == (reason, metadata)
    assert isinstance(error, FoursealError)
    assert str(error)


def test_culprit_is_named() -> None:
    """For programs that hold the error itself."""
    assert PeerMisbehaved("A_REASON", "text", culprit="server").culprit == "server"


@pytest.mark.parametrize("name", ["reason", "text", "self", "metadata"])
def test_metadata_may_be_called_like_a_parameter(name: str) -> None:
    """It can come from the other end."""
    assert FoursealError("A_REASON", "text", **{name: "x"}).metadata == {name: "x"}


def test_malformed_input_of_the_other_party_is_its_fault() -> None:
    """Reason, text and metadata stay."""
    with pytest.raises(PeerMisbehaved) as caught, blaming("client"):
        raise MalformedInput("A_REASON", "text", size=1)
    error = caught.value
    assert (error.reason, str(error), error.culprit) == ("A_REASON", "text", "client")
    assert error.metadata == {"size": "1", "culprit": "client"}


@pytest.mark.parametrize(
    "error", [PeerMisbehaved("A_REASON", "text", culprit="server"), FaultDetected("x"), ValueError("x")]
)
def test_other_errors_pass(error: Exception) -> None:
    """Who is blamed already stays blamed, and our own faults stay ours."""
    with pytest.raises(type(error)) as caught, blaming("client"):
        raise error
    assert caught.value is error


def test_nothing_wrong() -> None:
    """Nobody is blamed."""
    with blaming("client"):
        pass
