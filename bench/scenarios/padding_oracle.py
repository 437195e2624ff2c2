"""Does the time of a failed joint decryption tell why it failed. Reported, not judged.

Who decrypts answers every failure of the OAEP padding with one error. If the time told one failure from another, a
sender of chosen ciphertexts could read messages all the same (Manger, CRYPTO 2001). What is timed is the step that
knows: combining two partial decryptions and taking the padding off, in this process, where a difference shows best.

* Ciphertexts of all kinds alternate in random order. Each is fresh, made for a padded message with one thing wrong,
  and timed once: neither a value nor a moment belongs to one kind.
* Each kind of failure is compared with one of them, by Welch's t (means) and by Mann and Whitney's z (order). That one
  stands twice, as a control: the two differ by nothing but chance. Valid ciphertexts are shown too; that a decryption
  succeeded is no secret from who asked for it.
* Manger's attack asks one question of numbers that are random otherwise: is the first byte zero. They are compared with
  each other.
* Where the interpreter's objects lie in memory differs from process to process, and small differences with it: what one
  run shows, another may not.
"""

from __future__ import annotations

import gc
import random
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from bench.context import Bench
from bench.harness.cores import pinned_to
from bench.harness.results import Chart, Outcome, Result
from bench.harness.statistics import Difference, mann_whitney, welch
from bench.rig.joint_pair import make_decryption_pair
from bench.rig.paddings import KINDS, OAEP, RANDOM, RANDOM_LARGE, REFERENCE, VALID, make_padded
from mpc.errors import DecryptionFailed
from mpc.four_prime_rsa import Ciphertext, JointPublicKey, PartialDecryption, PublicShare, Role, combine_decryption
from mpc.four_prime_rsa.integers import integer_to_bytes
from mpc.four_prime_rsa.partials import Partial

HALF_BITS = 2048
TIMES = "Time of combining and unpadding, by what is wrong with the padding"
SCORES = "Do two kinds of failure differ, in standard errors"
PAIRS = (*((kind, REFERENCE) for kind in KINDS if kind not in (VALID, REFERENCE)), (RANDOM_LARGE, RANDOM))
CHANCE = 4.5  # ISO/IEC 17825: scores within it are taken for chance
_BATCH = 50  # of each kind, prepared together and then timed in random order

Sample = tuple[str, Ciphertext, PartialDecryption, PartialDecryption]


def run(bench: Bench, samples: int) -> Outcome:
    """Time ``samples`` decryptions of each kind."""
    joint_key = make_decryption_pair(HALF_BITS).joint_key
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    batches = [min(_BATCH, samples - start) for start in range(0, samples, _BATCH)]
    bench.progress.begin("padding failures", 1 + len(batches))
    with pinned_to({bench.cores.measured}):
        _time_batch(_make_batch(joint_key, _BATCH))  # warm-up
        bench.progress.step()
        for size in batches:
            for kind, microseconds in _time_batch(_make_batch(joint_key, size)):
                times[kind].append(microseconds)
            bench.progress.step()
    return _outcome(times)


def _make_batch(joint_key: JointPublicKey, size: int) -> list[Sample]:
    batch = [_make_sample(joint_key, kind) for kind in KINDS for _ in range(size)]
    random.shuffle(batch)
    return batch


def _make_sample(joint_key: JointPublicKey, kind: str) -> Sample:
    """Make the ciphertext of a padded message, and both partials: c^d mod N_i is the padded message mod N_i."""
    padded = int.from_bytes(make_padded(kind, joint_key.byte_length), "big")
    data = integer_to_bytes(joint_key.raise_to_public_exponent(padded), joint_key.byte_length)
    ciphertext = Ciphertext(joint_key, data)
    client, server = (_partial(ciphertext, joint_key.share_of(role), padded) for role in Role)
    return kind, ciphertext, client, server


def _partial(ciphertext: Ciphertext, public: PublicShare, padded: int) -> PartialDecryption:
    partial = Partial(public, ciphertext.value, padded % public.modulus, "partial decryption")
    return PartialDecryption(ciphertext, partial)


def _time_batch(batch: Sequence[Sample]) -> list[tuple[str, float]]:
    """Return kind and microseconds of each sample."""
    times = []
    gc.collect()
    gc.disable()
    for kind, ciphertext, client, server in batch:
        start = time.perf_counter_ns()
        with suppress(DecryptionFailed):
            combine_decryption(ciphertext, client, server, OAEP)
        times.append((kind, (time.perf_counter_ns() - start) / 1000))
    gc.enable()
    return times


def _outcome(times: Mapping[str, Sequence[float]]) -> Outcome:
    results = [Result(_name("time", kind), kind, TIMES, "us", tuple(times[kind])) for kind in KINDS]
    means, orders = [], []
    for first, second in PAIRS:
        mean, order = welch(times[first], times[second]), mann_whitney(times[first], times[second])
        means.append(_score("welch_t", first, second, mean))
        orders.append(_score("mann_whitney_z", first, second, order))
    chart = Chart(
        SCORES,
        "standard errors",
        tuple(f"{first} / {second}" for first, second in PAIRS),
        {"Welch's t (means)": tuple(means), "Mann and Whitney's z (order)": tuple(orders)},
    )
    return Outcome([*results, *means, *orders], charts=[chart], remarks=[_verdict([*means, *orders])])


def _score(name: str, first: str, second: str, difference: Difference) -> Result:
    what = {"welch_t": "Welch's t", "mann_whitney_z": "Mann and Whitney's z"}[name]
    return Result(_name(name, f"{first} over {second}"), f"{what}: {first} / {second}", SCORES, "", (difference.score,))


def _verdict(scores: Sequence[Result]) -> str:
    beyond = [result.title for result in scores if abs(result.samples[0]) > CHANCE]
    told = f"These are beyond it, and can be told apart: {'; '.join(beyond)}." if beyond else "None is beyond it."
    return f"Chance brings scores within {CHANCE:g}. {told}"


def _name(prefix: str, kind: str) -> str:
    return "_".join([prefix, *re.findall("[a-z]+", kind)])
