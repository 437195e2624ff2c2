"""``guard``: alarms about two keys that claim to be one user's towards us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from mpc.errors import MalformedInput
from signer_agent.cli.alarm_text import alarm_json
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.messages import with_messages
from signer_agent.cli.options import YesOption
from signer_agent.contracts.key_alarm import KeyAlarm
from signer_agent.contracts.messages import Messages
from wire.catalogue import ServiceError
from wire.client.output import OUTPUT

app = typer.Typer(help="Two keys that claim to be one user's: what was found out, and decisions.", no_args_is_help=True)

KeysOption = Annotated[
    list[str], typer.Option(metavar="KEY", help="How its fingerprint begins, hexadecimal; may be repeated.")
]

_TIME: Final = "%Y-%m-%d %H:%M:%S"
_DIGITS: Final = 16  # of a fingerprint


@command(app)
def alarms(invocation: Invocation) -> None:
    """List alarms, as the gateway says that they stand now."""
    found = with_messages(invocation, Messages.alarms)
    columns = ("Alarm", "Noticed", "User", "State", "Rule", "Keys", "Impostors")
    rows = [
        (
            alarm.alarm_id,
            f"{alarm.create_time:{_TIME}}",
            alarm.claim.user,
            f"{alarm.state}: {alarm.problem}" if alarm.problem else alarm.state.value,
            alarm.rule,
            _keys_text(alarm.keys),
            _keys_text(alarm.impostors),
        )
        for alarm in found
    ]
    OUTPUT.show_table([alarm_json(each) for each in found], columns, rows)


@command(app)
def decide(
    invocation: Invocation,
    alarm_id: Annotated[str, typer.Argument(metavar="ALARM", help="The alarm's name.")],
    *,
    genuine: KeysOption = [],  # noqa: B006  # typer reads it
    impostor: KeysOption = [],  # noqa: B006  # typer reads it
    yes: YesOption = False,
) -> None:
    """Decide about an alarm that is undetermined. Ask the user by another way first which key is whose.

    What genuine keys sent is released, which is not taken back; what impostors' keys sent is put aside for good.
    """

    async def decided(messages: Messages) -> KeyAlarm:
        alarm = next((each for each in await messages.alarms() if each.alarm_id == alarm_id), None)
        if alarm is None:
            raise ServiceError("ALARM_NOT_FOUND")
        ours, theirs = ([_key(alarm, each) for each in given] for given in (genuine, impostor))
        OUTPUT.note(f"Genuine    {_keys_text(ours) or 'none'}", f"Impostors  {_keys_text(theirs) or 'none'}")
        OUTPUT.confirm(f"Decide so about {alarm.claim.user}?", yes=yes)
        return await messages.decide_alarm(alarm_id, ours, theirs)

    alarm = with_messages(invocation, decided)
    OUTPUT.show(alarm_json(alarm), [("Alarm", alarm.alarm_id), ("State", alarm.state.value), ("Rule", alarm.rule)])


def _key(alarm: KeyAlarm, begin: str) -> bytes:
    found = [each for each in alarm.keys if begin and each.hex().startswith(begin.lower())]
    if len(found) != 1:
        problem = f"{begin} begins not exactly one key of the alarm"
        raise MalformedInput("JUDGEMENT_MALFORMED", problem, problem=problem)
    return found[0]


def _keys_text(keys: Sequence[bytes]) -> str:
    return ", ".join(each.hex()[:_DIGITS] for each in keys)
