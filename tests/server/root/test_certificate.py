"""The server's own certificate: for the names it is called by, and renewed while the server runs."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from server.root.home import Home
from tests.server.harness import Client, MovableClock, enrolled, make_home, running_server, sign_request


async def shown_by(address: str) -> x509.Certificate:
    """The certificate that a listener shows to a new connection."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return x509.load_der_x509_certificate(der)


async def test_certificate_is_renewed_under_a_running_server(home: Home) -> None:
    """Two months before its end new connections see a new one; those that stand go on, and so do its agents."""
    clock = MovableClock()
    clock.move(timedelta(days=-340))  # TLS goes by the machine's clock: so the first certificate is made in the past
    async with running_server(home, clock=clock) as server, await enrolled(home, server, "alice") as alice:
        key = await alice.generate()
        addresses = (server.serving.server, server.serving.enrolment_server)
        first = [await shown_by(address) for address in addresses]
        await server._keep_house_once()
        assert [await shown_by(address) for address in addresses] == first
        clock.move(timedelta(days=340))
        await server._keep_house_once()
        second = [await shown_by(address) for address in addresses]
        assert second[0] == second[1] != first[0]
        assert second[0].not_valid_after_utc - first[0].not_valid_after_utc > timedelta(days=300)
        await alice.sign(sign_request(key))
        async with Client(server.serving, alice.identity) as again:
            await again.sign(sign_request(key))


async def test_certificate_is_kept_over_a_restart(home: Home) -> None:
    """A restart alone makes no new certificate."""
    shown = []
    for _ in range(2):
        async with running_server(home) as server:
            shown.append(await shown_by(server.serving.server))
    assert shown[0] == shown[1]


async def test_certificate_follows_the_configured_names(tmp_path: Path) -> None:
    """Other names in the configuration: another certificate, for a server and nothing else."""
    home = make_home(tmp_path / "server")
    async with running_server(home) as server:
        first = await shown_by(server.serving.server)
    names = ["signing.example", "localhost", "127.0.0.1"]
    lines = home.config.read_text().splitlines()
    home.config.write_text("\n".join([*lines, f"server_names = {names!r}", ""]).replace("'", '"'))
    async with running_server(home) as server:
        second = await shown_by(server.serving.server)
    assert second != first
    alternatives = second.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in alternatives] == names
    usages = second.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.SERVER_AUTH]
