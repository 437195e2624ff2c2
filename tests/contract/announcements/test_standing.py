"""What is decided of a gateway has one form, and no other is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from contract.announcements.standing import GatewayStanding
from tests.contract.world import NOW
from tests.mpc.refusals import malformed

OUT = GatewayStanding("gateway-m", True, "it lied", "operator", NOW)  # noqa: FBT003
IN = replace(OUT, shut_out=False, cause="")


def test_one_form() -> None:
    """Both decisions are read as they were written; what is cut or longer is not."""
    for standing in (OUT, IN):
        der = standing.to_der()
        assert GatewayStanding.from_der(der) == standing
        for wrong in (der[:-1], der + b"\0", der.replace(b"standing", b"standinG"), b""):
            with malformed("STANDING_MALFORMED"):
                GatewayStanding.from_der(wrong)


def test_what_does_not_fit() -> None:
    """No cause, one too many, one that does not print; names that are none; a time between seconds."""
    for changed in (
        {"cause": ""},
        {"shut_out": False},
        {"cause": 201 * "x"},
        {"cause": "a\nb"},
        {"gateway": "No Name"},
        {"decider": ""},
        {"time": NOW + timedelta(microseconds=1)},
    ):
        with malformed("STANDING_MALFORMED"):
            replace(OUT, **changed)
