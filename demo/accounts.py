"""An account for a signer whose agent is enrolled: a password, a phone, and certificates that need no halves."""

from __future__ import annotations

from demo.people import Signer
from demo.phone import Phone

_KEYS = ("--sign-key", "ed25519", "--encrypt-key", "x25519")


def open_account(signer: Signer, phone: Phone, display_name: str) -> None:
    """Register, scan the second factor with the phone, confirm it: the signer is logged in."""
    password = ("--password-file", signer.password_file)
    setup = signer.json("register", signer.name, "--display-name", display_name, *_KEYS, *password, "--json")["setup"]
    phone.scan(signer.name, setup["totp_uri"])
    code = ("--code", phone.code(signer.name))
    signer.fourseal("account", "factor", "confirm", signer.name, setup["factor_id"], *code, *password)
