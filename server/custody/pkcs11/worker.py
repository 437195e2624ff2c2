"""The process that holds the login to a token: reads requests from its parent, and answers them one after the other.

It is started by its path, with Python's ``-I``, and imports nothing of Fourseal: beside the PKCS#11 library, which may
be anybody's, there is no share, no database and no network. Requests and answers are JSON, so that neither side makes
the other run anything. A process, because libraries of this kind are not all safe with threads, and gain nothing by
them (``docs/adr/0019``).

1. Start: the parent sends module, token and PIN; we log in, once, and say what token it is. A wrong PIN is said and
   never tried again: tokens lock.
2. Work: exponentiate, generate, destroy, keys, status.
3. End: the parent closes the line; or the token fails us in any way that is not the answer to a request. Then we say
   ``gone`` and end, and the parent starts another: a library that lost its token is not of use any more.

Danger: a token that was taken out finds no objects, without an error. So what is not found counts as missing only while
our probe, an object of no other use, is found.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass, exceptions

_OPENED = 4096  # handles that are kept: a search may take the token longer, the more objects it has
_LABEL_PREFIX = "fourseal "
_EXPONENT = b"\x01\x00\x01"
_WRONG_PIN = (exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange, exceptions.PinLocked)
_LOST = (exceptions.ObjectHandleInvalid, exceptions.KeyHandleInvalid)

_PROBE = {Attribute.CLASS: ObjectClass.DATA, Attribute.LABEL: "fourseal probe"}
_PRIVATE = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}


class Refused(Exception):
    """The answer to a request: ``missing``, ``wrong``, ``full``; after any other exception we end."""


class Token:
    """A logged-in session."""

    def __init__(self, module: str, label: str, pin: str) -> None:
        library = pkcs11.lib(module)
        self._token = library.get_token(token_label=label)
        self._session = self._token.open(rw=True, user_pin=pin)
        self._keys: OrderedDict[str, tuple[tuple[str, str], Any]] = OrderedDict()
        self._leave_one_probe()

    def _leave_one_probe(self) -> None:
        """Make it if there is none. Others may at the same time: all agree to leave the one of the least value."""
        if not self._is_there():
            made = {Attribute.TOKEN: True, Attribute.PRIVATE: True, Attribute.VALUE: secrets.token_bytes(16)}
            self._session.create_object(_PROBE | made)
        while len(probes := self._objects(_PROBE)) > 1:
            with suppress(*_LOST):
                max(probes, key=lambda each: bytes(each[Attribute.VALUE])).destroy()

    def exponentiate(self, operations: list[list[str]]) -> list[str]:
        """Raw RSA: the object, its modulus and purpose as they must be, and the base."""
        return [self._exponentiate(*operation) for operation in operations]

    def _exponentiate(self, object_id: str, modulus: str, purpose: str, base: str) -> str:
        try:
            return self._use(object_id, modulus, purpose, base)
        except _LOST:
            self._keys.pop(object_id, None)  # destroyed by another process, or the token is gone: a search tells
            return self._use(object_id, modulus, purpose, base)

    def _use(self, object_id: str, modulus: str, purpose: str, base: str) -> str:
        key = self._open(object_id, modulus, purpose)
        use = key.sign if purpose == "sign" else key.decrypt
        result: bytes = use(bytes.fromhex(base), mechanism=Mechanism.RSA_X_509)
        return result.hex()

    def _open(self, object_id: str, modulus: str, purpose: str) -> Any:  # noqa: ANN401  # classes made at run time
        as_what, key = self._keys.get(object_id, (None, None))
        if as_what != (modulus, purpose):
            key = self._find(object_id, modulus, purpose)
            self._keys[object_id] = (modulus, purpose), key
            if len(self._keys) > _OPENED:
                self._keys.popitem(last=False)
        self._keys.move_to_end(object_id)
        return key

    def _find(self, object_id: str, modulus: str, purpose: str) -> Any:  # noqa: ANN401  # as above
        found = self._objects(_PRIVATE | {Attribute.ID: bytes.fromhex(object_id)})
        if not found:
            self._require_there()
            raise Refused("missing")
        wanted = {
            Attribute.MODULUS: bytes.fromhex(modulus),
            Attribute.SIGN: purpose == "sign",
            Attribute.DECRYPT: purpose == "decrypt",
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.LOCAL: True,  # made in the token, not put into it
        }
        # two of one id: one of them was planted
        if len(found) > 1 or any(found[0][name] != value for name, value in wanted.items()):
            raise Refused("wrong")
        return found[0]

    def generate(self, object_id: str, label: str, purpose: str, bits: int) -> str:
        """Make a key; its modulus. For the parent to judge, and to destroy if it does not like it.

        ``full``: the token makes none, though it is there.
        """
        can = {"sign": MechanismFlag.SIGN, "decrypt": MechanismFlag.DECRYPT}[purpose]
        never = (Attribute.UNWRAP, Attribute.DERIVE, Attribute.SIGN_RECOVER, Attribute.EXTRACTABLE)
        try:
            public, _ = self._session.generate_keypair(
                KeyType.RSA,
                bits,
                id=bytes.fromhex(object_id),
                label=_LABEL_PREFIX + label,
                store=True,
                capabilities=can,
                public_template={Attribute.TOKEN: False, Attribute.PUBLIC_EXPONENT: _EXPONENT},
                private_template={
                    Attribute.PRIVATE: True,
                    Attribute.SENSITIVE: True,
                    Attribute.MODIFIABLE: False,
                    Attribute.SIGN: purpose == "sign",
                    Attribute.DECRYPT: purpose == "decrypt",
                    **dict.fromkeys(never, False),
                },
            )
        except exceptions.PKCS11Error as error:
            self._require_there()
            raise Refused("full") from error  # there is no one error for it: SoftHSM2 says that the function failed
        modulus: bytes = public[Attribute.MODULUS]
        public.destroy()
        return modulus.hex()

    def destroy(self, object_id: str) -> None:
        """Destroy what has this id. ``missing``: we see nothing."""
        self._keys.pop(object_id, None)
        found = self._objects({Attribute.ID: bytes.fromhex(object_id)})
        for each in found:
            with suppress(*_LOST):  # another process was faster
                each.destroy()
        self._require_there()
        if not found:
            raise Refused("missing")

    def keys(self) -> list[dict[str, str | int]]:
        """Our keys, and whoever calls theirs so."""
        objects = [each for each in self._objects(_PRIVATE) if each.label.startswith(_LABEL_PREFIX)]
        self._require_there()
        return [
            {
                "object_id": each[Attribute.ID].hex(),
                "name": each.label.removeprefix(_LABEL_PREFIX),
                "purpose": "sign" if each[Attribute.SIGN] else "decrypt",
                "bits": 8 * len(each[Attribute.MODULUS]),
            }
            for each in objects
        ]

    def status(self) -> dict[str, str]:
        """What token it is. Fails when it is not there."""
        self._require_there()
        token = self._token
        return {
            "label": token.label,
            "manufacturer": token.manufacturer_id.strip(),
            "model": token.model.strip(),
            "serial": token.serial.decode("ascii", "replace"),
        }

    def _objects(self, template: dict[Attribute, Any]) -> list[Any]:
        try:
            return list(self._session.get_objects(template))
        except _LOST:  # another process destroyed one while we looked
            return list(self._session.get_objects(template))

    def _is_there(self) -> bool:
        return bool(self._objects(_PROBE))

    def _require_there(self) -> None:
        if not self._is_there():
            raise exceptions.TokenNotPresent


def _answers(line: Connection) -> Iterator[dict[str, Any]]:
    try:
        token = Token(**json.loads(line.recv_bytes()))
        yield {"ok": token.status()}
        while True:
            request = json.loads(line.recv_bytes())
            try:
                yield {"ok": getattr(token, request.pop("do"))(**request)}
            except Refused as refused:
                yield {"error": str(refused)}
    except EOFError:
        return
    except _WRONG_PIN as error:
        yield {"error": "pin", "text": type(error).__name__}
    except Exception as error:  # noqa: BLE001  # whatever a library comes up with
        yield {"error": "gone", "text": f"{type(error).__name__} {error}".strip()}


def main() -> None:
    """Serve the line whose file descriptor is our one argument."""
    line = Connection(int(sys.argv[1]))
    for answer in _answers(line):
        try:
            line.send_bytes(json.dumps(answer).encode())
        except OSError:
            return


if __name__ == "__main__":
    main()
