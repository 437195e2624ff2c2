"""Organisation keys in trust: accounts use them under grants that administrators approve, and each use is recorded.

Everything here is signed by the one mechanism of ``server.statements``. Read in this order: ``states`` and ``grants``;
``uses``, with ``operating``; ``records``; ``upkeep``.
"""

from server.trusteeship.checking import TrustCheck
from server.trusteeship.rules import TrusteeshipRules, compose_trusteeship_rules

__all__ = ["TrustCheck", "TrusteeshipRules", "compose_trusteeship_rules"]
