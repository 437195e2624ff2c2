"""How much is measured: sizes, rounds, seconds. The rest of ``bench`` knows no numbers of its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The extent of a run.

    Args:
        name: for the report.
        rounds: samples of each figure; at least 5 for figures that anybody shall believe.
        slice_seconds: how long one sample of an operation lasts.
        engine_half_bits: sizes of halves for the engine.
        joint_half_bits: sizes for joint signatures, with whole keys of twice as many bits beside them.
        generation_half_bits: sizes for key generation.
        generation_rounds: keys made of each size.
        grpc_half_bits: sizes for signatures over gRPC.
        grpc_other_engine_half_bits: sizes for the same with the other engines that are here.
        grpc_generation_half_bits: sizes for key generation over gRPC; none: it is left out.
        agent_half_bits: sizes for signatures through the agent's library.
        agent_run: how many signatures its pipeline makes in one run.
        in_flight: numbers of requests that are under way at once.
        batches: calls that are under way at once, and signatures that each of them asks for.
        load_rounds: samples of each figure over gRPC.
        load_seconds: how long one of them lasts.
        custody_half_bits: sizes for signatures in a token's custody.
        custody_batches: calls for batches that are under way at once, and signatures that each of them asks for.
        custody_seconds: how long one sample of them lasts.
        outage_seconds: for how long the token is taken away under load.
        latency_half_bits: size of the key for latencies.
        latency_seconds: how long one sample of latencies lasts, at each load.
        stored_keys: how many keys a server keeps that signs, few and many; none: it is left out.
        stored_sessions: how many sessions a server keeps while a message is sent in one, few and many; none: it is left
            out.
        sendings: messages that are sent in a round, with each number of sessions.
        content_mebibytes: size of the content that is sent through a contract session; 0: it is left out.
        content_rounds: how often it is sent.
        content_half_bits: size of the halves of its sender's and its recipient's keys.
        envelopes: small envelopes that are sent and received one after the other, of each size of halves.
        envelope_half_bits: sizes of halves for them.
        session_members: sizes of sessions in which each member sends to all; none: it is left out.
        deposit_rounds: samples of deposits of evidence; 0: they are left out.
        log_leaves: sizes of transparency logs.
        openings: pieces of evidence that are opened in a round, from a log of each size.
        bundle_mebibytes: size of the content in the disclosure bundle that is verified.
        exported_records: how many records of an organisation's key are verified; 0: none.
        uses: of an organisation's key in one sample; 0: they are left out.
        uses_at_once: how many callers ask for under a grant for a tenth of them.
        trusted_half_bits: size of the halves of its users' keys.
        guesses: at a PIN that a server guards; 0: none.
        alarms: that the guard raises one after the other.
        flood_seconds: how long one sample of genuine envelopes lasts, alone and under each flood.
        live_sources: how many sources a guard has that are live, few and many; none: it is left out.
        announcements: that are taken in one sample.
        watermark_trials: marked contracts for each attack on watermarks.
        watermark_foreign: documents of others in which a watermark is looked for.
        watermark_change_step: of so many characters of a contract one is changed, each by itself.
        watermark_pages: of a long contract.
    """

    name: str
    rounds: int
    slice_seconds: float
    engine_half_bits: tuple[int, ...]
    joint_half_bits: tuple[int, ...]
    generation_half_bits: tuple[int, ...]
    generation_rounds: int
    grpc_half_bits: tuple[int, ...]
    grpc_other_engine_half_bits: tuple[int, ...]
    grpc_generation_half_bits: tuple[int, ...]
    agent_half_bits: tuple[int, ...]
    agent_run: int
    in_flight: tuple[int, ...]
    batches: tuple[tuple[int, int], ...]
    load_rounds: int
    load_seconds: float
    custody_half_bits: tuple[int, ...]
    custody_batches: tuple[int, int]
    custody_seconds: float
    outage_seconds: float
    latency_half_bits: int
    latency_seconds: float
    stored_keys: tuple[int, ...]
    stored_sessions: tuple[int, ...]
    sendings: int
    content_mebibytes: int
    content_rounds: int
    content_half_bits: int
    envelopes: int
    envelope_half_bits: tuple[int, ...]
    session_members: tuple[int, ...]
    deposit_rounds: int
    log_leaves: tuple[int, ...]
    openings: int
    bundle_mebibytes: int
    exported_records: int
    uses: int
    uses_at_once: int
    trusted_half_bits: int
    guesses: int
    alarms: int
    flood_seconds: float
    live_sources: tuple[int, ...]
    announcements: int
    watermark_trials: int
    watermark_foreign: int
    watermark_change_step: int
    watermark_pages: int


FULL = Plan(
    name="full",
    rounds=11,
    slice_seconds=0.5,
    engine_half_bits=(2048, 3072, 4096),
    joint_half_bits=(2048, 3072),
    generation_half_bits=(2048, 3072, 4096),
    generation_rounds=15,
    grpc_half_bits=(2048, 3072),
    grpc_other_engine_half_bits=(2048,),
    grpc_generation_half_bits=(3072,),
    agent_half_bits=(2048, 3072),
    agent_run=1000,
    in_flight=(1, 8, 64),
    batches=((4, 100),),
    load_rounds=7,
    load_seconds=3.0,
    custody_half_bits=(2048, 3072, 4096),
    custody_batches=(2, 64),
    custody_seconds=1.5,
    outage_seconds=10.0,
    latency_half_bits=3072,
    latency_seconds=8.0,
    stored_keys=(1_000, 1_000_000),
    stored_sessions=(1_000, 1_000_000),
    sendings=40,
    content_mebibytes=1024,
    content_rounds=5,
    content_half_bits=3072,
    envelopes=200,
    envelope_half_bits=(2048, 3072),
    session_members=(2, 5, 10, 25, 50),
    deposit_rounds=7,
    log_leaves=(1_000, 1_000_000),
    openings=40,
    bundle_mebibytes=100,
    exported_records=100_000,
    uses=60,
    uses_at_once=1_000,
    trusted_half_bits=3072,
    guesses=10_000,
    alarms=400,
    flood_seconds=5.0,
    live_sources=(1_000, 1_000_000),
    announcements=2_000,
    watermark_trials=12,
    watermark_foreign=10_002,
    watermark_change_step=1,
    watermark_pages=100,
)

QUICK = Plan(
    name="quick",
    rounds=5,
    slice_seconds=0.06,
    engine_half_bits=(2048, 3072, 4096),
    joint_half_bits=(2048, 3072),
    generation_half_bits=(2048, 3072),
    generation_rounds=3,
    grpc_half_bits=(2048, 3072),
    grpc_other_engine_half_bits=(),
    grpc_generation_half_bits=(),
    agent_half_bits=(2048,),
    agent_run=200,
    in_flight=(1, 64),
    batches=((2, 100),),
    load_rounds=5,
    load_seconds=0.3,
    custody_half_bits=(2048,),
    custody_batches=(2, 64),
    custody_seconds=0.3,
    outage_seconds=1.0,
    latency_half_bits=2048,
    latency_seconds=0.3,
    stored_keys=(100, 1_000),
    stored_sessions=(),
    sendings=0,
    content_mebibytes=128,
    content_rounds=2,
    content_half_bits=3072,
    envelopes=20,
    envelope_half_bits=(2048,),
    session_members=(),
    deposit_rounds=0,
    log_leaves=(1_000, 20_000),
    openings=10,
    bundle_mebibytes=100,
    exported_records=2_000,
    uses=10,
    uses_at_once=100,
    trusted_half_bits=3072,
    guesses=1_000,
    alarms=60,
    flood_seconds=1.0,
    live_sources=(1_000, 20_000),
    announcements=500,
    watermark_trials=2,
    watermark_foreign=300,
    watermark_change_step=40,
    watermark_pages=10,
)
