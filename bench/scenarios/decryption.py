"""Joint decryptions in one process: both parties' work with every check, without transport, beside a whole key.

The whole key decrypts through ``cryptography`` (OpenSSL), which blinds and checks its result too, and is of the same
size: joint 4096 bits are two halves of 2048. The client does most of it: its own half, the check of the server's
partial decryption, the combination and the padding.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial
from itertools import cycle
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from bench.context import Bench
from bench.harness.cores import pinned_to
from bench.harness.results import Chart, Outcome, Ratio
from bench.harness.timing import Case, Operation, measure_rates
from bench.rig.engines import available_engines
from bench.rig.joint_pair import DecryptionPair, make_decryption_pair
from bench.rig.paddings import OAEP
from mpc.engines import Engine
from mpc.four_prime_rsa import (
    PUBLIC_EXPONENT,
    Ciphertext,
    Role,
    combine_decryption,
    create_partial_decryption,
    parse_partial_decryption,
)

GROUP = "OAEP decryptions in one process, one core"
_CIPHERTEXTS: Final = 32
_CONTENT_KEY_BYTES: Final = 32


def run(bench: Bench) -> Outcome:
    """Measure every size of the plan with every engine that works on one operation at a time."""
    every, missing = available_engines()
    engines = [engine for engine in every if engine.width == 1]
    sizes = [2 * half_bits for half_bits in bench.plan.joint_half_bits]
    steps = (len(engines) + 1) * len(sizes) * (bench.plan.rounds + 1)
    bench.progress.begin("joint decryptions and whole keys", steps)
    cases = []
    for bits in sizes:
        pair = make_decryption_pair(bits // 2)
        cases += [_case(bits, pair, engine) for engine in engines]
        cases.append(Case(f"whole_decryption_{bits}", f"whole key {bits}, cryptography", whole(bits)))
    with pinned_to({bench.cores.measured}):
        rates = measure_rates(GROUP, cases, bench.plan.rounds, bench.plan.slice_seconds, bench.progress.step)
    ratios = [
        Ratio.between(
            f"joint_decryption_{bits}_{engine.name}_over_whole_{bits}",
            f"joint decryption {bits} ({engine.name}) over whole key {bits}",
            rates[f"joint_decryption_{bits}_{engine.name}"],
            rates[f"whole_decryption_{bits}"],
        )
        for bits in sizes
        for engine in engines
    ]
    chart = Chart(
        GROUP,
        "decryptions a second",
        tuple(f"{bits} bits" for bits in sizes),
        {
            f"joint, {engine.name}: both parties": tuple(
                rates[f"joint_decryption_{bits}_{engine.name}"] for bits in sizes
            )
            for engine in engines
        }
        | {"whole key, cryptography": tuple(rates[f"whole_decryption_{bits}"] for bits in sizes)},
    )
    return Outcome(tuple(rates.values()), ratios, (chart,), missing)


def _case(bits: int, pair: DecryptionPair, engine: Engine) -> Case:
    title = f"joint {bits}, {engine.name}: both parties"
    return Case(f"joint_decryption_{bits}_{engine.name}", title, joint(pair, engine))


def joint(pair: DecryptionPair, engine: Engine) -> Operation:
    """Return all that two parties do for a decryption, over bytes as they travel, in the order of the protocol."""
    ciphertexts, random = cycle(_encrypted(pair.joint_key.to_cryptography())), secrets.token_bytes

    def operation() -> bytes:
        data = next(ciphertexts)
        theirs = Ciphertext(pair.joint_key, data)  # the server
        sent = create_partial_decryption(pair.server, theirs, engine, random).to_bytes()
        ciphertext = Ciphertext(pair.joint_key, data)  # the client
        client = create_partial_decryption(pair.client, ciphertext, engine, random)
        server = parse_partial_decryption(ciphertext, Role.SERVER, sent)
        return combine_decryption(ciphertext, client, server, OAEP)

    return operation


def whole(bits: int) -> Operation:
    """Return one decryption by a fresh whole key."""
    key = rsa.generate_private_key(PUBLIC_EXPONENT, bits)
    ciphertexts, decrypt = cycle(_encrypted(key.public_key())), partial(_decrypt, key)
    return lambda: decrypt(next(ciphertexts))


def _decrypt(key: rsa.RSAPrivateKey, ciphertext: bytes) -> bytes:
    return key.decrypt(ciphertext, OAEP.to_cryptography_padding())


def _encrypted(key: rsa.RSAPublicKey) -> Sequence[bytes]:
    padding = OAEP.to_cryptography_padding()
    return [key.encrypt(secrets.token_bytes(_CONTENT_KEY_BYTES), padding) for _ in range(_CIPHERTEXTS)]
