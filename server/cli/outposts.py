"""``fourseal-server media`` and ``gateway``: setting them up, and what the evidence server's operator does for it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal

from contract.oids import Arc
from server.cli.database import settings_of
from server.cli.output import show_json, show_line
from server.clock import system_clock
from server.errors import OperatorError
from server.identity import Authority
from server.root.ground import open_ground
from server.root.home import Home
from server.root.log import configure_log
from server.root.outposts import GATEWAY, MEDIA_SERVER, accept_certificate, set_up
from server.root.outposts import certify as certify_request

OutpostName = Literal["media", "gateway"]
OUTPOSTS: Final = {each.name: each for each in (MEDIA_SERVER, GATEWAY)}

_MAX_FILE_BYTES: Final = 64 * 1024


def init(name: OutpostName, home: Home, names: list[str], *, as_json: bool) -> None:
    """Set it up and say what was done."""
    outpost = OUTPOSTS[name]
    steps = []
    for step in set_up(outpost, home, names):
        steps.append(step)
        if not as_json:
            show_line(f"{'made' if step.made else 'kept'}  {step.what}: {step.where}")
    if as_json:
        show_json([asdict(step) for step in steps])
        return
    show_line("")
    files = f"--request {outpost.request} --out {outpost.certificate}"
    show_line(f"Next, at the evidence server: fourseal-server {name} certify {files}")
    show_line(f"Then, here: fourseal-server {name} accept --certificate {outpost.certificate} --home {home.folder}")


def certify(name: OutpostName, home: Home, request: Path, out: Path) -> None:
    """Write a certificate for a request."""
    settings = settings_of(home)
    content = _read(request)

    with open_ground(home, settings, configure_log("error")) as ground:
        arc = Arc(settings.oid_arc)
        authority = ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys, arc))
        bundle = certify_request(OUTPOSTS[name], authority, content, settings.server_names, system_clock())
    try:
        with out.open("xb") as file:
            file.write(bundle)
    except FileExistsError:
        raise OperatorError(f"the file {out} exists already", "Name another with --out.") from None
    except OSError as error:
        raise OperatorError(f"{out} cannot be written: {error.strerror}", "Name another with --out.") from error
    show_line(f"Certificate  {out}")


def accept(name: OutpostName, home: Home, certificate: Path) -> None:
    """Take the certificate that the evidence server's operator has made."""
    taken = accept_certificate(OUTPOSTS[name], home, _read(certificate))
    show_line(f"Certificate  good until {taken.expire_time.date().isoformat()}")
    show_line(f"Next: fourseal-server {name} run --home {home.folder}")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}", "Name another file.") from error
