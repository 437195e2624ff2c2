"""Limits of every gRPC line, in one place."""

from __future__ import annotations

from typing import Final

MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
MAX_METADATA_BYTES: Final = 16 * 1024
MAX_CONCURRENT_STREAMS: Final = 100  # on one connection
MAX_BATCH_ITEMS: Final = 256
MAX_RECORDS_BYTES: Final = 3 * 1024 * 1024  # of a batch of deposits: it comes back with a receipt for each
MAX_PAGE_SIZE: Final = 1000
DEFAULT_PAGE_SIZE: Final = 100
DEFAULT_DEADLINE_SECONDS: Final = 30.0  # imposed where the caller sets none
MAX_DEADLINE_SECONDS: Final = 120.0  # key generation of 4096-bit halves on a slow machine
MIN_DEADLINE_SECONDS: Final = 0.1  # below that a call cannot finish, and is refused at once
HOP_RESERVE_SECONDS: Final = 0.02  # kept of the caller's deadline, so that it sees our error and not its own timeout

ChannelOptions = list[tuple[str, int]]


def server_options(*, shared_port: bool = False) -> ChannelOptions:
    """Options for ``grpc.aio.server``; ``shared_port``: other processes of this server listen on its port too."""
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.max_concurrent_streams", MAX_CONCURRENT_STREAMS),
        ("grpc.http.overload_protection", 0),  # it refuses streams of clients that keep within the limit above
        ("grpc.max_connection_age_ms", 30 * 60 * 1000),
        ("grpc.max_connection_age_grace_ms", 2 * 60 * 1000),
        ("grpc.keepalive_time_ms", 60 * 1000),  # finds peers that vanished
        ("grpc.keepalive_timeout_ms", 20 * 1000),
        ("grpc.http2.min_ping_interval_without_data_ms", 30 * 1000),
        ("grpc.http2.max_ping_strikes", 2),
        ("grpc.so_reuseport", int(shared_port)),  # two servers on one port are else a mistake that nobody sees
    ]


def channel_options() -> ChannelOptions:
    """Options for a client's channel."""
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.keepalive_time_ms", 60 * 1000),
        ("grpc.keepalive_timeout_ms", 20 * 1000),
        ("grpc.enable_retries", 0),  # what may be repeated is decided by the client library, with its request ids
    ]
