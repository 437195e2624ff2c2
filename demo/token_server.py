"""A token, and a server that keeps its secrets there: what demos of custody begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from demo.attacks import SERVER_HOME
from demo.show import Show
from demo.stage import Stage
from softhsm import LABEL, PIN, SoftToken

OFFICER: Final = "erin"
"""Decides for the registration authority."""

_PIN_FILE: Final = "pin"


def make_token(stage: Stage, show: Show, token: SoftToken) -> str:
    """Make the token, and a file with its PIN. Returns what it came to."""
    stage.variables |= token.variables
    show.say("SoftHSM2 stands for an HSM: it is reached by PKCS#11, as an HSM is. Its folder is a file here.")
    show.command(token.making, who="operator")
    show.output(stage.must(token.making))
    pin = stage.folder / _PIN_FILE
    pin.touch(mode=0o600)
    pin.write_text(PIN + "\n", encoding="utf-8")
    return f"the token {LABEL!r} is there, and a file with its PIN that the operator alone can read"


def start_on_token(stage: Stage, show: Show, token: SoftToken) -> dict[str, str]:
    """Write the configuration, set the server up, start it. Returns what it says of itself."""
    show.say("The configuration is written first. Then the server makes what else it needs.")
    home = stage.folder / SERVER_HOME
    home.mkdir(mode=0o700)
    configuration = _configuration(token, stage.folder)
    (home / "config.toml").write_text(configuration, encoding="utf-8")
    show.output(configuration)
    init = ["fourseal-server", "init", "--home", SERVER_HOME]
    show.command(init, who="operator")
    stage.must(init)
    show.command(["fourseal-server", "run", "--home", SERVER_HOME], who="operator")
    serving = stage.start_server(SERVER_HOME)
    show.views({"token": "a login by each of two worker processes, which hold the PIN and nothing else"})
    return serving


def _configuration(token: SoftToken, folder: Path) -> str:
    return (
        'custody = "pkcs11"\n'
        f'pkcs11_module = "{token.module}"\n'
        f'pkcs11_token = "{LABEL}"\n'
        f'pkcs11_pin_file = "{folder / _PIN_FILE}"\n'
        f'registration_officers = ["{OFFICER}"]\n'
        'ocsp_listen = "127.0.0.1:0"\n'
        "shares_ahead = 0\n"
    )
