"""TLS 1.3 and nothing older (``cipher_suites``), for every credential that this project makes."""

from __future__ import annotations

from collections.abc import Callable

import grpc

from wire import cipher_suites


def server_credentials(key_pem: bytes, chain_pem: bytes, client_authority_pem: bytes | None) -> grpc.ServerCredentials:
    """Credentials of a listener.

    Args:
        key_pem: PKCS#8 PEM of its private key.
        chain_pem: its certificate and those between it and the authority, PEM.
        client_authority_pem: every client must show a certificate of this authority; None: no client shows one.

    Raises:
        RuntimeError: gRPC would speak TLS 1.2, because it was imported too early.
    """
    cipher_suites.require()
    return grpc.ssl_server_credentials(
        [(key_pem, chain_pem)],
        root_certificates=client_authority_pem,
        require_client_auth=client_authority_pem is not None,
    )


def renewable_server_credentials(
    current: Callable[[], tuple[bytes, bytes]], client_authority_pem: bytes | None
) -> grpc.ServerCredentials:
    """As ``server_credentials``, for a certificate that is renewed while the listener listens.

    Args:
        current: returns the private key and chain to be shown now, PEM. Called for every new connection, from a thread
            of gRPC's: it must be quick, and not raise.
        client_authority_pem: as in ``server_credentials``.
    """
    cipher_suites.require()
    shown = current()

    def configuration(pair: tuple[bytes, bytes]) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=client_authority_pem)

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        nonlocal shown
        pair = current()
        if pair == shown:
            return None
        shown = pair
        return configuration(pair)

    require = client_authority_pem is not None
    return grpc.dynamic_ssl_server_credentials(
        configuration(shown),
        fetch,  # type: ignore[arg-type]  # gRPC takes None for "as before"; its type stub does not know
        require_client_authentication=require,
    )


def channel_credentials(
    authority_pem: bytes, key_pem: bytes | None = None, chain_pem: bytes | None = None
) -> grpc.ChannelCredentials:
    """Credentials of a client: the only authority it believes, and its own key and certificate where it has one.

    In a program that imported gRPC before this package, a channel would also speak TLS 1.2, to a server that proves to
    be of the authority; ours does not.
    """
    return grpc.ssl_channel_credentials(authority_pem, key_pem, chain_pem)
