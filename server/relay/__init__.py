"""The relay: takes envelopes from their authors and keeps them for their recipients, without any key.

It knows callers by their passes (``contract.relay_pass``) and nothing of accounts, sessions or shares. So it runs as a
process of its own, the media server, or in the evidence server's process: with the same rules.
"""

from server.relay.inspection import ContentReport
from server.relay.ledger import RelayTerms
from server.relay.passes import PassReader
from server.relay.rules import Relay

__all__ = ["ContentReport", "PassReader", "Relay", "RelayTerms"]
