"""Tokens of SoftHSM2 for tests: each in a folder of its own, so that a test can take one away and put it back.

Where SoftHSM2 is not installed (``make test`` installs it where it may) the tests are skipped; ``.ci/run`` fails then.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

LABEL = "fourseal-test"
PIN = "271828"
SO_PIN = "314159"
MODULES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
)
_PLANT = """
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
    def environment(self) -> dict[str, str]:
        """What a process needs to find it."""
        return os.environ | {"SOFTHSM2_CONF": str(self.folder / "softhsm2.conf")}

    @property
    def settings(self) -> dict[str, str]:
        """What a server needs besides, in its environment."""
        return {
            "SOFTHSM2_CONF": self.environment["SOFTHSM2_CONF"],
            "FOURSEAL_CUSTODY": "pkcs11",
            "FOURSEAL_PKCS11_MODULE": str(self.module),
            "FOURSEAL_PKCS11_TOKEN": LABEL,
            "FOURSEAL_PKCS11_PIN": PIN,
            "FOURSEAL_PKCS11_WORKERS": "1",
        }

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
        arguments = [str(self.module), LABEL, PIN, der.hex(), object_id, label]
        subprocess.run([sys.executable, "-c", _PLANT, *arguments], env=self.environment, check=True, timeout=60)

    def tool(self, *arguments: str) -> str:
        """What OpenSC's pkcs11-tool says: software that knows nothing of Fourseal."""
        command = ["pkcs11-tool", "--module", str(self.module), "--token-label", LABEL, "--login", "--pin", PIN]
        run = subprocess.run(
            [*command, *arguments], env=self.environment, capture_output=True, text=True, check=True, timeout=60
        )
        return run.stdout


def new_token(folder: Path) -> SoftToken:
    """Make a token, or skip the test."""
    module = next((path for path in MODULES if path.exists()), None)
    if module is None or shutil.which("softhsm2-util") is None or shutil.which("pkcs11-tool") is None:
        pytest.skip("SoftHSM2 or OpenSC is not installed: sudo apt-get install softhsm2 opensc")
    (folder / "tokens").mkdir(parents=True)
    lines = (f"directories.tokendir = {folder / 'tokens'}", "objectstore.backend = file", "log.level = ERROR", "")
    (folder / "softhsm2.conf").write_text("\n".join(lines))
    token = SoftToken(folder, module)
    command = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", SO_PIN]
    subprocess.run(command, env=token.environment, capture_output=True, check=True, timeout=60)
    return token
