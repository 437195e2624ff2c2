"""Organisation keys in trust: accounts use them under grants that administrators approve, and each use is recorded.

Read in this order: ``statements``, the one mechanism by which everything here is signed; ``states`` and ``grants``;
``uses``, with ``operating``; ``records``; ``upkeep``.
"""

from server.trusteeship.checking import TrustCheck
from server.trusteeship.rules import TrusteeshipRules, compose_trusteeship_rules

__all__ = ["TrustCheck", "TrusteeshipRules", "compose_trusteeship_rules"]
