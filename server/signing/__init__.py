"""Joint keys: their generation and life, joint signatures, joint decryptions. The server's half of each."""

from server.signing.decryptions import Decryptions, decrypt_partially
from server.signing.generation import Generation
from server.signing.inspection import ExpectedShare, expected_shares, inspect_shares
from server.signing.keys import EndCertificate, Keys, forfeit_keys, own_key
from server.signing.opened_keys import OpenedKeys
from server.signing.policy import JointOperationPolicy
from server.signing.signatures import Signatures, sign_jointly
from server.signing.states import REFUSALS
from server.signing.store import Key

__all__ = [
    "REFUSALS",
    "Decryptions",
    "EndCertificate",
    "ExpectedShare",
    "Generation",
    "JointOperationPolicy",
    "Key",
    "Keys",
    "OpenedKeys",
    "Signatures",
    "decrypt_partially",
    "expected_shares",
    "forfeit_keys",
    "inspect_shares",
    "own_key",
    "sign_jointly",
]
