"""Opening a key store by what opens it: a passphrase alone, or a PIN together with the server."""

from __future__ import annotations

import asyncio

from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore


async def open_key_store(home: Home, secret: str) -> KeyStore:
    """Open a key store by its passphrase, or by its PIN.

    Raises:
        ServiceError: those of ``KeyStore.open``.
        FoursealError: with a PIN those of ``pins.open_guarded``.
    """
    passphrase = Passphrase(secret)
    header = await asyncio.to_thread(KeyStore.header, home)
    if header.guard is None:
        return await asyncio.to_thread(KeyStore.open, home, passphrase)
    from signer_agent.client.pins import open_guarded  # noqa: PLC0415  # for PINs alone

    return await open_guarded(home, header, header.guard, passphrase)
