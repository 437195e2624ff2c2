"""The process that holds the login to a token: reads requests from its parent, and answers them one after the other.

It is started by its path, with Python's ``-I``, and imports nothing of Fourseal: beside the PKCS#11 library, which may
be anybody's, there is no share, no database and no network. Requests and answers are JSON, so that neither side makes
the other run anything. A process, because libraries of this kind are not all safe with threads, and gain nothing by
them (``docs/adr/0019``).

1. Start: the parent sends module, token and PIN; we log in, once, and say what token it is. A wrong PIN is said and
   never tried again: tokens lock.
2. Work: exponentiate, sign, generate, generate_on_curve, destroy, keys, status.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass, exceptions

_OPENED = 4096  # handles that are kept: a search may take the token longer, the more objects it has
_LABEL_PREFIX = "fourseal "
_EXPONENT = b"\x01\x00\x01"
_CURVES = {
    "secp256r1": bytes.fromhex("06082a8648ce3d030107"),
    "secp384r1": bytes.fromhex("06052b81040022"),
}
"""Their names in CKA_EC_PARAMS (RFC 5480 section 2.1.1.1)."""
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
        return self._use(object_id, modulus, purpose, base, Mechanism.RSA_X_509)

    def sign(self, object_id: str, curve: str, digest: str) -> str:
        """ECDSA of a digest, which is no longer than the curve's order: r and s."""
        return self._use(object_id, curve, "sign", digest, Mechanism.ECDSA)

    def _use(self, object_id: str, identity: str, purpose: str, data: str, mechanism: Mechanism) -> str:
        """``identity``: the modulus, or the name of the curve."""
        try:
            return self._use_opened(object_id, identity, purpose, data, mechanism)
        except _LOST:
            self._keys.pop(object_id, None)  # destroyed by another process, or the token is gone: a search tells
            return self._use_opened(object_id, identity, purpose, data, mechanism)

    def _use_opened(self, object_id: str, identity: str, purpose: str, data: str, mechanism: Mechanism) -> str:
        key = self._open(object_id, identity, purpose)
        use = key.sign if purpose == "sign" else key.decrypt
        result: bytes = use(bytes.fromhex(data), mechanism=mechanism)
        return result.hex()

    def _open(self, object_id: str, identity: str, purpose: str) -> Any:  # noqa: ANN401  # classes made at run time
        as_what, key = self._keys.get(object_id, (None, None))
        if as_what != (identity, purpose):
            key = self._find(object_id, identity, purpose)
            self._keys[object_id] = (identity, purpose), key
            if len(self._keys) > _OPENED:
                self._keys.popitem(last=False)
        self._keys.move_to_end(object_id)
        return key

    def _find(self, object_id: str, identity: str, purpose: str) -> Any:  # noqa: ANN401  # as above
        found = self._objects(_PRIVATE | {Attribute.ID: bytes.fromhex(object_id)})
        if not found:
            self._require_there()
            raise Refused("missing")
        is_curve = identity in _CURVES
        kind = (
            {Attribute.KEY_TYPE: KeyType.EC, Attribute.EC_PARAMS: _CURVES[identity]}
            if is_curve
            else {Attribute.KEY_TYPE: KeyType.RSA, Attribute.MODULUS: bytes.fromhex(identity)}
        )
        wanted = kind | {
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
        exponent = {Attribute.PUBLIC_EXPONENT: _EXPONENT}
        with self._making():
            make = partial(self._session.generate_keypair, KeyType.RSA, bits)
            return self._made(make, object_id, label, purpose, exponent, Attribute.MODULUS)

    def generate_on_curve(self, object_id: str, label: str, curve: str) -> str:
        """Make a key that signs by ECDSA; its public point, as CKA_EC_POINT has it. ``full`` as above."""
        with self._making():
            facts = {Attribute.EC_PARAMS: _CURVES[curve]}
            on_curve = self._session.create_domain_parameters(KeyType.EC, facts, local=True)
            return self._made(on_curve.generate_keypair, object_id, label, "sign", {}, Attribute.EC_POINT)

    @contextmanager
    def _making(self) -> Iterator[None]:
        try:
            yield
        except exceptions.PKCS11Error as error:
            self._require_there()
            raise Refused("full") from error  # there is no one error for it: SoftHSM2 says that the function failed

    @staticmethod
    def _made(
        make: Callable[..., tuple[Any, Any]],
        object_id: str,
        label: str,
        purpose: str,
        public_template: dict[Attribute, Any],
        wanted: Attribute,
    ) -> str:
        """The wanted attribute of the public key."""
        never = (Attribute.UNWRAP, Attribute.DERIVE, Attribute.SIGN_RECOVER, Attribute.EXTRACTABLE)
        public, _ = make(
            id=bytes.fromhex(object_id),
            label=_LABEL_PREFIX + label,
            store=True,
            capabilities={"sign": MechanismFlag.SIGN, "decrypt": MechanismFlag.DECRYPT}[purpose],
            public_template={Attribute.TOKEN: False, **public_template},
            private_template={
                Attribute.PRIVATE: True,
                Attribute.SENSITIVE: True,
                Attribute.MODIFIABLE: False,
                Attribute.SIGN: purpose == "sign",
                Attribute.DECRYPT: purpose == "decrypt",
                **dict.fromkeys(never, False),
            },
        )
        value: bytes = public[wanted]
        public.destroy()
        return value.hex()

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

    def keys(self) -> list[dict[str, str]]:
        """Our keys, and whoever calls theirs so."""
        objects = [each for each in self._objects(_PRIVATE) if each.label.startswith(_LABEL_PREFIX)]
        self._require_there()
        return [
            {"object_id": each[Attribute.ID].hex(), "name": each.label.removeprefix(_LABEL_PREFIX)} for each in objects
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
