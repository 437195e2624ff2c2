"""Prints what the guard's window takes, within some minutes: ``python scripts/window_cost.py``.

Memory of a million sightings; the processor's time for an announcement among a thousand and among a million, read,
checked and taken in; and for an invalid one.
"""

from __future__ import annotations

import random
import tracemalloc
from datetime import UTC, datetime, timedelta
from time import process_time

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.announcements.announcement import Announcement, CheckedAnnouncement, SignedAnnouncement
from contract.announcements.claim import Claim
from contract.announcements.failures import MAX_FAILURES, Failures
from contract.announcements.keys import write_signer_key
from contract.announcements.window import Window, WindowLimits
from contract.errors import GuardRefused, VerificationFailed
from contract.signer_keys import SignerPrivateKey
from transparency.keys import VerifierKey

NOW = datetime(2026, 5, 4, 10, 30, tzinfo=UTC)
SIZES = (1_000, 1_000_000)
TRIED = 5_000
ROUNDS = 5
PER_AGENT = 900
LOG_KEY = VerifierKey("log", bytes(32))
KEYS: dict[str, SignerPrivateKey] = {
    "Ed25519": Ed25519PrivateKey.generate(),
    "RSA 3072": rsa.generate_private_key(65537, 3072),
}


def announcement(index: int, key: SignerPrivateKey) -> Announcement:
    """One of a claim of its own."""
    source = f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"
    return Announcement(
        claim=Claim(source, f"user{index % 50_000}", f"destination{index % 997}"),
        certificate=bytes(32),
        public_key=write_signer_key(key.public_key()),
        session_id="session-" + "a" * 26,
        document=bytes(32),
        time=NOW,
    )


def fill(size: int, key: SignerPrivateKey) -> Window:
    """A window with so many claims, which came evenly within ten minutes."""
    window = Window(WindowLimits())
    for index in range(size):
        at = NOW + timedelta(seconds=600 * index // size)
        checked = CheckedAnnouncement(announcement(index, key), index.to_bytes(32))
        window.observe(checked, f"agent-{index // PER_AGENT}", at)
    return window


def take_in(window: Window, messages: list[bytes], at: datetime) -> float:
    """Microseconds for each."""
    begin = process_time()
    for message in messages:
        window.observe(SignedAnnouncement.from_der(message).check(NOW, LOG_KEY), "agent-0", at)
    return (process_time() - begin) / len(messages) * 1e6


def flood(message: bytes) -> tuple[float, float]:
    """Microseconds for an invalid one that is looked at, and for one that is not any more."""
    failures = Failures()
    begin = process_time()
    for _ in range(MAX_FAILURES):
        try:
            failures.require_few("flooder", NOW)
            SignedAnnouncement.from_der(message).check(NOW, LOG_KEY)
        except VerificationFailed:
            failures.failed("flooder", NOW)
    looked_at = process_time() - begin
    begin = process_time()
    refused = 0
    for _ in range(TRIED):
        try:
            failures.require_few("flooder", NOW)
        except GuardRefused:
            refused += 1
    return looked_at / MAX_FAILURES * 1e6, (process_time() - begin) / refused * 1e6


def main() -> None:
    """Fill, measure, print."""
    chance = random.Random(1)  # noqa: S311  # no secret
    for name, key in KEYS.items():
        best = {}
        for size in SIZES:
            tracemalloc.start()
            window = fill(size, key)
            used, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            print(f"{name}: {len(window):>9,} sightings take {used / 1e6:7.1f} MB, {used / len(window):.0f} bytes each")
            chosen = [announcement(chance.randrange(size), key) for _ in range(TRIED)]
            messages = [SignedAnnouncement.sign(each, key).to_der() for each in chosen]
            at = NOW + timedelta(minutes=10)
            best[size] = min(take_in(window, messages, at) for _ in range(ROUNDS))
            print(f"{name}: {best[size]:.0f} microseconds an announcement among {size:,}, the best of {ROUNDS} rounds")
        small, large = (best[size] for size in SIZES)
        print(f"{name}: {large / small:.2f} times as long among {SIZES[1]:,} as among {SIZES[0]:,}")
        forged = SignedAnnouncement(announcement(0, key), key.sign(b"")) if isinstance(key, Ed25519PrivateKey) else None
        if forged is not None:
            looked_at, refused = flood(forged.to_der())
            print(
                f"{name}: {looked_at:.0f} microseconds an invalid one, {refused:.1f} once its agent has sent too many"
            )


if __name__ == "__main__":
    main()
