"""The way to the media server, where this machine knows more of it than the session says.

A session names one address of the media server for all its members; who sits behind a gateway goes there instead.
The address that announcements claim is the one that leaves here; it is another where several agents share a machine,
or a machine has several addresses.
"""

from __future__ import annotations

import os
from typing import Final

from contract.announcements.claim import check_address
from mpc.errors import MalformedInput
from wire.catalogue import ServiceError
from wire.client.ticket import is_host_and_port

GATEWAY_VARIABLE: Final = "FOURSEAL_GATEWAY"
"""Environment variable that names this machine's gateway, host:port."""

SOURCE_VARIABLE: Final = "FOURSEAL_SOURCE"
"""Environment variable that names the address that announcements claim."""


def chosen_gateway() -> str:
    """The gateway of this machine, "host:port"; empty: it has none.

    Raises:
        ServiceError: SETTING_INVALID.
    """
    gateway = os.environ.get(GATEWAY_VARIABLE, "")
    if gateway and not is_host_and_port(gateway):
        raise ServiceError("SETTING_INVALID", variable=GATEWAY_VARIABLE, wanted="host:port")
    return gateway


def chosen_source() -> str:
    """The address that announcements claim; empty: the one on the way to the media server.

    Raises:
        ServiceError: SETTING_INVALID.
    """
    source = os.environ.get(SOURCE_VARIABLE, "")
    try:
        return source and check_address(source, reason="CLAIM_MALFORMED")
    except MalformedInput:
        wanted = "an IP address in its shortest spelling"
        raise ServiceError("SETTING_INVALID", variable=SOURCE_VARIABLE, wanted=wanted) from None
