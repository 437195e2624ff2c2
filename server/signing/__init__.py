"""Joint keys: their generation and life, joint signatures, joint decryptions. The server's half of each."""

from server.signing.decryptions import Decryptions, decrypt_partially
from server.signing.generation import Generation
from server.signing.inspection import ExpectedShare, expected_shares, inspect_shares
from server.signing.keys import Keys
from server.signing.opened_keys import OpenedKeys
from server.signing.policy import JointOperationPolicy
from server.signing.signatures import Signatures, sign_jointly

__all__ = [
    "Decryptions",
    "ExpectedShare",
    "Generation",
    "JointOperationPolicy",
    "Keys",
    "OpenedKeys",
    "Signatures",
    "decrypt_partially",
    "expected_shares",
    "inspect_shares",
    "sign_jointly",
]
