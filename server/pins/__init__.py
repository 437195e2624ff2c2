"""Guards of signers' key stores: what a PIN gives only together with the server, and how often it may be tried."""

from server.pins.guards import PinGuards

__all__ = ["PinGuards"]
