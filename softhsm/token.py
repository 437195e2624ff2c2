"""A token of SoftHSM2 in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

LABEL: Final = "fourseal"
PIN: Final = "271828"
SO_PIN: Final = "314159"
_MODULES: Final = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
)
_SECONDS: Final = 60
_PLANT: Final = """
import sys, pkcs11
from pkcs11 import Attribute
from pkcs11.util.rsa import decode_rsa_private_key
module, token, pin, der, object_id, label = sys.argv[1:]
with pkcs11.lib(module).get_token(token_label=token).open(rw=True, user_pin=pin) as session:
    session.create_object(decode_rsa_private_key(bytes.fromhex(der), pkcs11.MechanismFlag.SIGN) | {
        Attribute.TOKEN: True, Attribute.PRIVATE: True, Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False,
        Attribute.SIGN: True, Attribute.DECRYPT: False, Attribute.ID: bytes.fromhex(object_id), Attribute.LABEL: label,
    })
"""
_EXPORT: Final = """
import sys, pkcs11
from pkcs11 import Attribute, KeyType, MechanismFlag
module, token, pin, object_id = sys.argv[1:]
with pkcs11.lib(module).get_token(token_label=token).open(rw=True, user_pin=pin) as session:
    wanted = {Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY, Attribute.ID: bytes.fromhex(object_id)}
    (key,) = session.get_objects(wanted)
    wrapping = session.generate_key(KeyType.AES, 256, capabilities=MechanismFlag.WRAP)
    secret = Attribute.VALUE if key.key_type is KeyType.EC else Attribute.PRIVATE_EXPONENT
    for what, attempt in (
        ("read what is secret", lambda: key[secret]),
        ("have it encrypted by another key", lambda: wrapping.wrap_key(key)),
        ("make it extractable", lambda: key.__setitem__(Attribute.EXTRACTABLE, True)),
    ):
        try:
            attempt()
            print(f"{what}:")
        except pkcs11.PKCS11Error as error:
            print(f"{what}:{type(error).__name__}")
"""


class SoftHsmMissing(Exception):
    """SoftHSM2 or OpenSC's pkcs11-tool is not installed."""


@dataclass(frozen=True, slots=True)
class SoftToken:
    """A token.

    Args:
        folder: all of it.
        module: SoftHSM2's PKCS#11 library.
    """

    folder: Path
    module: Path

    @property
    def variables(self) -> dict[str, str]:
        """What a process needs in its environment to find it."""
        return {"SOFTHSM2_CONF": str(self.folder / "softhsm2.conf")}

    @property
    def environment(self) -> dict[str, str]:
        """The same, with ours."""
        return os.environ | self.variables

    @property
    def settings(self) -> dict[str, str]:
        """What a server needs in its environment to keep its shares there."""
        return self.variables | {
            "FOURSEAL_CUSTODY": "pkcs11",
            "FOURSEAL_PKCS11_MODULE": str(self.module),
            "FOURSEAL_PKCS11_TOKEN": LABEL,
            "FOURSEAL_PKCS11_PIN": PIN,
            "FOURSEAL_PKCS11_WORKERS": "1",
        }

    @property
    def making(self) -> list[str]:
        """The command that makes it, once its folder is laid out."""
        return ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", SO_PIN]

    def make(self) -> None:
        """Run it."""
        self._run(self.making)

    def tool_command(self, *arguments: str) -> list[str]:
        """OpenSC's pkcs11-tool: software that knows nothing of Fourseal, and here has the PIN."""
        at = ("--module", str(self.module), "--token-label", LABEL, "--login", "--pin", PIN)
        return ["pkcs11-tool", *at, *arguments]

    def tool(self, *arguments: str) -> str:
        """What it says."""
        return self._run(self.tool_command(*arguments))

    def names(self) -> list[str]:
        """Labels of the private keys in it."""
        said = self.tool("--list-objects", "--type", "privkey")
        return sorted(line.split(":", 1)[1].strip() for line in said.splitlines() if line.strip().startswith("label:"))

    def probes(self) -> int:
        """How many objects call themselves Fourseal's probe."""
        return self.tool("--list-objects", "--type", "data").count("'fourseal probe'")

    def pull(self) -> None:
        """Take it out."""
        (self.folder / "tokens").rename(self.folder / "pulled")

    def put_back(self) -> None:
        """And in again."""
        (self.folder / "pulled").rename(self.folder / "tokens")

    def plant(self, key: rsa.RSAPrivateKey, object_id: str, label: str = "planted") -> None:
        """What somebody does who has the PIN: put a signing key of theirs in, as like to one of ours as can be."""
        der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        self._run([sys.executable, "-c", _PLANT, str(self.module), LABEL, PIN, der.hex(), object_id, label])

    def export(self, object_id: str) -> dict[str, str]:
        """What somebody tries who has the PIN and wants a private key: attempts and refusals; an empty one is none."""
        said = self._run([sys.executable, "-c", _EXPORT, str(self.module), LABEL, PIN, object_id])
        return dict(line.split(":", 1) for line in said.splitlines())

    def _run(self, command: Sequence[str]) -> str:
        run = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True, timeout=_SECONDS
        )
        return run.stdout


def find_module() -> Path:
    """SoftHSM2's PKCS#11 library.

    Raises:
        SoftHsmMissing: it is not installed.
    """
    module = next((path for path in _MODULES if path.exists()), None)
    if module is None or shutil.which("softhsm2-util") is None or shutil.which("pkcs11-tool") is None:
        raise SoftHsmMissing("SoftHSM2 or OpenSC is not installed: sudo apt-get install softhsm2 opensc")
    return module


def lay_out(folder: Path) -> SoftToken:
    """Make the folder and the configuration of a token that is yet to be made.

    Raises:
        SoftHsmMissing: it is not installed.
    """
    module = find_module()
    (folder / "tokens").mkdir(parents=True)
    lines = (f"directories.tokendir = {folder / 'tokens'}", "objectstore.backend = file", "log.level = ERROR", "")
    (folder / "softhsm2.conf").write_text("\n".join(lines))
    return SoftToken(folder, module)


def new_token(folder: Path) -> SoftToken:
    """Make a token.

    Raises:
        SoftHsmMissing: it is not installed.
    """
    token = lay_out(folder)
    token.make()
    return token
