"""What commands there are, and where. A command is imported when it is called: who signs does not wait for a chat."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import typer

from signer_agent.cli.invocation import command

_COMMANDS: Final = (
    ("init", "setup", "init"),
    ("enrol", "setup", "enrol"),
    ("block", "setup", "block"),
    ("key", "keys", "app"),
    ("sign", "signatures", "sign"),
    ("verify", "verify", "verify"),
    ("encrypt", "encryption", "encrypt"),
    ("decrypt", "encryption", "decrypt"),
    ("register", "accounts", "register"),
    ("login", "accounts", "login"),
    ("logout", "accounts", "logout"),
    ("logins", "accounts", "logins"),
    ("account", "accounts", "app"),
    ("device", "devices", "app"),
    ("certificates", "certificates", "app"),
    ("certificate", "personal", "app"),
    ("contacts", "certificates", "contacts"),
    ("org", "organisations", "app"),
    ("grant", "grants", "app"),
    ("use", "uses", "app"),
    ("audit", "audit", "app"),
    ("contract", "contract_documents", "app"),
    ("session", "contract_sessions", "app"),
    ("send", "messages", "send"),
    ("inbox", "inbox", "inbox"),
    ("show", "inbox", "show"),
    ("accept", "messages", "accept"),
    ("reject", "messages", "reject"),
    ("reply", "messages", "reply"),
    ("outbox", "inbox", "outbox"),
    ("transactions", "transactions", "app"),
    ("evidence", "permissions", "app"),
    ("chat", "chat", "chat"),
    ("guard", "guard", "app"),
    ("log", "log", "app"),
    ("watermark", "watermark", "app"),
    ("agent", "agents", "app"),
    ("passphrase", "setup", "passphrases"),
    ("pin", "setup", "pins"),
)
"""What is typed, in the order of the help; the module below ``signer_agent.cli``; its function, or its group."""


def add_commands(app: typer.Typer, called: str) -> None:
    """Add the command that is called; all of them if there is none of that name, for the help or the complaint."""
    chosen = [each for each in _COMMANDS if each[0] == called]
    for typed, module, name in chosen or _COMMANDS:
        found = getattr(import_module(f"signer_agent.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=typed)
        else:
            command(app, typed)(found)
