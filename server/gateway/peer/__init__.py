"""Peer mode: the receiver's agent finds two keys by itself, and gateways find out among themselves whose is forged.

It is for when there is no guard, or none that can be reached: an alarm that the guard deals with is left to it.
"""

from server.gateway.peer.mode import PeerMode, PeerTerms, compose_peer_mode

__all__ = ["PeerMode", "PeerTerms", "compose_peer_mode"]
