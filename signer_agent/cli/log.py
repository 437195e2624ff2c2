"""``log``: watches the server's transparency log, and compares what others were shown of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from signer_agent.cli.invocation import Invocation, command
from signer_agent.log.alarms import EXCHANGED, FORKED, REWOUND, SILENT, LogAlarm
from signer_agent.log.watch import LogWatch, Look
from transparency.note import MAX_NOTE_BYTES
from wire.client.named_files import read_file
from wire.client.output import OUTPUT, message_of, safe_text
from wire.client.repetition import CALL_SECONDS

if TYPE_CHECKING:
    from signer_agent.client.agent import LocalAgent

app = typer.Typer(help="The server's transparency log: what keeps it from being rewritten.", no_args_is_help=True)

STATUSES: Final = {FORKED: 3, REWOUND: 4, SILENT: 5, EXCHANGED: 6}
"""Exit status by the reason of the alarm."""

_ROOT_DIGITS: Final = 16


@command(app)
def watch(
    invocation: Invocation,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Look once. Exit status 3: forked, 4: set back, 5: silent, 6: another key.")
    ] = False,
    interval: Annotated[float, typer.Option(min=1.0, max=86_400.0, help="Seconds from one look to the next.")] = 60.0,
    silent_after: Annotated[
        float, typer.Option(min=0.0, max=1e8, help="Seconds after which a log that does not grow is silent; 0: never.")
    ] = 0.0,
) -> None:
    """Hold the log to every checkpoint it ever showed, until Ctrl-C. One line for each change."""
    bound = timedelta(seconds=silent_after) if silent_after else None
    seconds = min(interval, CALL_SECONDS)

    async def opened(agent: LocalAgent) -> LogWatch:
        return await agent.log_watch(bound, seconds=seconds)

    if once:
        _show_or_exit(invocation, opened, LogWatch.look)
        return

    async def forever(agent: LocalAgent) -> None:
        watch, said = await opened(agent), object()  # nothing that is ever found
        while True:
            said = await _look(watch, said)
            await asyncio.sleep(interval)

    try:
        invocation.with_store(forever)
    except KeyboardInterrupt:
        return


@command(app)
def compare(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(help="A checkpoint that somebody else was shown.")],
) -> None:
    """Say whether somebody else is shown the same log. Exit status as that of watch --once."""
    data = read_file(file, MAX_NOTE_BYTES, "a checkpoint")
    _show_or_exit(invocation, lambda agent: agent.log_watch(), lambda watch: watch.compare(data))


def _show_or_exit(
    invocation: Invocation,
    opened: Callable[[LocalAgent], Awaitable[LogWatch]],
    work: Callable[[LogWatch], Awaitable[Look]],
) -> None:
    async def watched(agent: LocalAgent) -> Look:
        return await work(await opened(agent))

    try:
        look = invocation.with_store(watched)
    except LogAlarm as alarm:
        OUTPUT.show_error(alarm)
        raise typer.Exit(STATUSES[alarm.reason]) from None
    root = look.checkpoint.root.hex() if look.checkpoint else "-"
    rows = [
        ("Log", look.origin),
        ("Entries", str(look.checkpoint.size if look.checkpoint else 0)),
        ("Root hash", root),
        ("Last grown", f"{look.grow_time:%Y-%m-%d %H:%M:%S} UTC"),
        ("Checkpoint", str(look.file or "-")),
    ]
    OUTPUT.show(_look_json(look), rows)


async def _look(watch: LogWatch, said: object) -> object:
    """Look, and say what is not as it was said last; returns what was found."""
    try:
        look = await watch.look()
    except LogAlarm as alarm:
        if alarm.reason != said:
            content = {"reason": alarm.reason, "message": message_of(alarm), "metadata": alarm.metadata}
            _print({"event": "alarm", **content}, f"ALARM {alarm.reason}: {message_of(alarm)}")
        return alarm.reason
    if look.checkpoint != said:
        size, root = (look.checkpoint.size, look.checkpoint.root.hex()) if look.checkpoint else (0, "-")
        _print({"event": "checkpoint", **_look_json(look)}, f"{size} entries, root {root[:_ROOT_DIGITS]}")
    return look.checkpoint


def _print(content: dict[str, Any], text: str) -> None:
    now = datetime.now(UTC)
    if OUTPUT.as_json:
        typer.echo(json.dumps({"time": now.isoformat(), **content}))
    else:
        typer.echo(safe_text(f"{now:%Y-%m-%d %H:%M:%S} UTC  {text}").plain)


def _look_json(look: Look) -> dict[str, Any]:
    return {
        "origin": look.origin,
        "size": look.checkpoint.size if look.checkpoint else 0,
        "root": look.checkpoint.root.hex() if look.checkpoint else None,
        "grow_time": look.grow_time.isoformat(),
        "file": str(look.file) if look.file else None,
    }
