"""An oblivious pseudorandom function: OPRF(ristretto255, SHA-512) of RFC 9497, mode VOPRF, by the package voprf.

The client has an input that can be guessed, a PIN for example; the server has a key. The client learns F(key, input),
and nothing of the key; the server learns nothing at all, not even whether two inputs were the same. So whoever has
stolen what F's value protects must ask the server for every guess, and the server counts.

1. client: ``Blinded`` hides the input; its element goes to the server;
2. server: ``OprfKey.evaluate`` answers with an element, and a proof that it used the key that it is known by;
3. client: ``Blinded.finalize`` checks the proof.

The library draws its own randomness, from the system: it takes none from outside.
"""

from __future__ import annotations

from typing import Final

from voprf.ristretto import BlindedInput, Client, Evaluator, PublicKey, VerifiableOutput

from mpc.errors import MalformedInput, PeerMisbehaved
from mpc.secret import Secret

SEED_BYTES: Final = 32
"""Length of what a key is derived from."""
MAX_INPUT_BYTES: Final = 65535
"""Length of an input, at most."""


class OprfKey(Secret):
    """The server's key.

    Args:
        seed: 32 random bytes, which are all that has to be kept.
        info: what the key is for; another ``info`` gives another key. Some bytes.
    """

    __slots__ = ("_evaluator",)

    def __init__(self, seed: bytes, info: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes")
        self._evaluator = Evaluator.from_seed(seed, info)

    @property
    def public_key(self) -> bytes:
        """What the client knows it by, 32 bytes."""
        return self._evaluator.public_key.serialize()

    def evaluate(self, blinded: bytes) -> bytes:
        """What the client needs for one input, with its proof. The caller has counted the attempt before.

        Args:
            blinded: the client's element, 32 bytes.

        Returns:
            The proof, 64 bytes, which is another one each time, and the evaluated element, 32 bytes.

        Raises:
            MalformedInput: ELEMENT_MALFORMED.
        """
        return self._evaluator.evaluate(_blinded_input(blinded)).serialize()


class Blinded(Secret):
    """An input on its way to the server, for one use.

    ``element`` goes to the server, 32 bytes.

    Args:
        value: the input, 1 to 65535 bytes.
    """

    __slots__ = ("_client", "element")

    def __init__(self, value: bytes) -> None:
        if not 0 < len(value) <= MAX_INPUT_BYTES:
            raise ValueError(f"an input has 1 to {MAX_INPUT_BYTES} bytes")
        self._client, blinded = Client.blind(value)
        self.element: bytes = blinded.serialize()

    def finalize(self, evaluation: bytes, public_key: bytes) -> bytes:
        """The function's value for the input, 64 bytes.

        Args:
            evaluation: the server's answer, 96 bytes.
            public_key: what the server's key is known by, 32 bytes.

        Raises:
            PeerMisbehaved: EVALUATION_WRONG: another key was used, or it is no evaluation; the server is to blame.
        """
        try:
            return self._client.finalize(VerifiableOutput.deserialize(evaluation), PublicKey.deserialize(public_key))
        except ValueError:
            text = "the evaluation is not by the key that the server is known by"
            raise PeerMisbehaved("EVALUATION_WRONG", text, culprit="server") from None


def require_element(blinded: bytes) -> None:
    """See that it is an element of the group, and not the identity.

    Raises:
        MalformedInput: ELEMENT_MALFORMED.
    """
    _blinded_input(blinded)


def _blinded_input(blinded: bytes) -> BlindedInput:
    try:
        return BlindedInput.deserialize(blinded)
    except ValueError:
        raise MalformedInput("ELEMENT_MALFORMED", "this is no element of the group ristretto255") from None
