"""Evidence: what is kept of messages and operations so that it can be shown and proven, and not changed unnoticed."""

from server.evidence.transparency import Transparency

__all__ = ["Transparency"]
