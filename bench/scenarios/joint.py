"""Joint signatures in one process: both parties' work with every check, without transport, beside others' keys.

* A whole key signs through ``cryptography`` (OpenSSL), which blinds and checks its result too.
* Shoup's threshold RSA does what we do, two parties of two, as public implementations do it (``bench.peers.shoup``).
* OpenSSL's own four-prime key is in one hand, and tells what four primes are worth (``openssl speed -primes 4``).

All are of the same size. Joint 4096 bits are two halves of 2048.
"""

from __future__ import annotations

import secrets
from functools import partial
from itertools import repeat

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from bench.context import Bench
from bench.harness.cores import pinned_to
from bench.harness.results import Aim, Chart, Outcome, Ratio
from bench.harness.timing import Case, Operation, OwnMeasure, measure_rates
from bench.peers.openssl_speed import SPEED_BITS, openssl, private_operations
from bench.peers.shoup import deal, signing
from bench.rig.engines import available_engines
from bench.rig.joint_pair import SigningPair, make_signing_pair
from mpc.engines import Engine
from mpc.four_prime_rsa import (
    PUBLIC_EXPONENT,
    EncodedMessage,
    Role,
    SignatureAlgorithm,
    check_joint_signature,
    combine_signature,
    create_partial_signatures,
    parse_partial_signature,
)

GROUP = "PSS-SHA256 signatures in one process, one core"
ALGORITHM = SignatureAlgorithm.PSS_SHA256
OTHERS = {"whole": "whole key", "shoup": "Shoup's threshold key", "openssl_four_primes": "OpenSSL's four-prime key"}
AIMS = {
    ("gmpy2", "whole", 4096): Aim(0.7),
    ("gmpy2", "whole", 6144): Aim(1.7),
    ("gmpy2", "shoup", 4096): Aim(15.0),
    ("libcrypto", "whole", 4096): Aim(2.0),
    ("libcrypto", "whole", 6144): Aim(2.8),
    ("crypto_mb", "whole", 4096): Aim(4.0),
}


def run(bench: Bench) -> Outcome:
    """Measure every size of the plan, all of them in the same rounds."""
    engines, missing = available_engines()
    sizes = [2 * half_bits for half_bits in bench.plan.joint_half_bits]
    command = openssl()
    others = [] if command is None else [_four_primes(command, bits) for bits in sizes if bits in SPEED_BITS]
    steps = (len(engines) + 2) * len(sizes) * (bench.plan.rounds + 1) + len(others) * bench.plan.rounds
    bench.progress.begin("joint signatures and others' keys", steps)
    cases = []
    for bits in sizes:
        pair = make_signing_pair(bits // 2)
        cases += [_case(bits, pair, engine) for engine in engines]
        cases += [
            Case(f"whole_{bits}", f"whole key {bits}, cryptography", whole(bits)),
            Case(f"shoup_{bits}", f"threshold key {bits}, Shoup: both parties", signing(deal(bits), ALGORITHM)),
        ]
    with pinned_to({bench.cores.measured}):
        rates = measure_rates(
            GROUP, cases, bench.plan.rounds, bench.plan.slice_seconds, bench.progress.step, others=others
        )
    ratios = [
        Ratio.between(
            f"joint_{bits}_{engine.name}_over_{other}_{bits}",
            f"joint {bits} ({engine.name}) over {title} {bits}",
            rates[f"joint_{bits}_{engine.name}"],
            rates[f"{other}_{bits}"],
            AIMS.get((engine.name, other, bits)),
        )
        for bits in sizes
        for engine in engines
        for other, title in OTHERS.items()
        if f"{other}_{bits}" in rates
    ]
    series = {f"joint, {engine.name}: both parties": engine.name for engine in engines}
    chart = Chart(
        GROUP,
        "signatures a second",
        tuple(f"{bits} bits" for bits in sizes),
        {
            **{title: tuple(rates[f"joint_{bits}_{name}"] for bits in sizes) for title, name in series.items()},
            "whole key, cryptography": tuple(rates[f"whole_{bits}"] for bits in sizes),
            "threshold key, Shoup: both parties": tuple(rates[f"shoup_{bits}"] for bits in sizes),
        },
    )
    remarks = (
        () if others else ("OpenSSL's four-prime key was left out: its command is not here, or not of these sizes.",)
    )
    return Outcome(tuple(rates.values()), ratios, (chart,), (*missing, *remarks))


def _case(bits: int, pair: SigningPair, engine: Engine) -> Case:
    at_once = f", {engine.width} at a time" if engine.width > 1 else ""
    title = f"joint {bits}, {engine.name}: both parties{at_once}"
    return Case(f"joint_{bits}_{engine.name}", title, joint(pair, engine), engine.width)


def _four_primes(command: str, bits: int) -> OwnMeasure:
    rate = partial(private_operations, command, bits, primes=4)
    return OwnMeasure(f"openssl_four_primes_{bits}", f"four-prime key {bits} in one hand, openssl speed", rate)


def joint(pair: SigningPair, engine: Engine) -> Operation:
    """Return all that two parties do for signatures, over bytes as they travel, in the order of the protocol.

    As many at a time as suit the engine.
    """
    size, salt_length, random = ALGORITHM.hash.digest_size, ALGORITHM.salt_length, secrets.token_bytes

    def operation() -> list[bytes]:
        texts = [(random(size), random(salt_length)) for _ in range(engine.width)]
        ours = [EncodedMessage(pair.joint_key, ALGORITHM, *text) for text in texts]  # the client
        made = create_partial_signatures([(pair.client, message) for message in ours], engine, random)
        sent = [each.to_bytes() for each in made]
        theirs = [EncodedMessage(pair.joint_key, ALGORITHM, *text) for text in texts]  # the server
        clients = [parse_partial_signature(*each) for each in zip(theirs, repeat(Role.CLIENT), sent, strict=False)]
        servers = create_partial_signatures([(pair.server, message) for message in theirs], engine, random)
        signatures = [combine_signature(*each) for each in zip(theirs, clients, servers, strict=True)]
        for partial_signature, signature in zip(made, signatures, strict=True):  # the client again
            check_joint_signature(partial_signature, signature)
        return signatures

    return operation


def whole(bits: int) -> Operation:
    """Return one signature by a fresh whole key."""
    key = rsa.generate_private_key(PUBLIC_EXPONENT, bits)
    scheme, prehashed = ALGORITHM.to_cryptography_padding(), Prehashed(ALGORITHM.hash.to_cryptography())
    return lambda: key.sign(secrets.token_bytes(ALGORITHM.hash.digest_size), scheme, prehashed)
