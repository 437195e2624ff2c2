"""Node's crypto, as a back end in JavaScript uses it."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from mpc.four_prime_rsa import JointPublicKey, OaepParameters, SignatureAlgorithm, SignaturePadding

_PROGRAM: Final = Path(__file__).with_name("node.mjs")


def verify(key: JointPublicKey, document: bytes, signatures: Sequence[tuple[SignatureAlgorithm, bytes]]) -> list[bool]:
    """Say for each signature whether Node accepts it."""
    answers: list[bool] = _run(
        {
            "task": "verify",
            "key": _text(key.to_der()),
            "hash": algorithm.hash,
            "pss": algorithm.padding is SignaturePadding.PSS,
            "document": _text(document),
            "signature": _text(signature),
        }
        for algorithm, signature in signatures
    )
    return answers


def encrypt(key: JointPublicKey, plaintext: bytes, parameters: Sequence[OaepParameters]) -> list[bytes]:
    """Encrypt by each set of parameters. Node knows one hash, for label and MGF1 together."""
    assert all(each.hash is each.mgf_hash for each in parameters)
    answers = _run(
        {
            "task": "encrypt",
            "key": _text(key.to_der()),
            "hash": each.hash,
            "label": _text(each.label),
            "plaintext": _text(plaintext),
        }
        for each in parameters
    )
    return [b64decode(answer) for answer in answers]


def _run(tasks: Any) -> Any:  # noqa: ANN401
    result = subprocess.run(["node", _PROGRAM], input=json.dumps(list(tasks)).encode(), capture_output=True, check=True)
    return json.loads(result.stdout)


def _text(data: bytes) -> str:
    return b64encode(data).decode()
