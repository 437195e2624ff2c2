"""The gRPC face of joint keys: decode, say who calls, call the rules, encode. Nothing else."""

from server.signing.rpc.decryption import DecryptionRpc
from server.signing.rpc.devices import DeviceRpc
from server.signing.rpc.keys import KeyRpc
from server.signing.rpc.signing import SigningRpc

__all__ = ["DecryptionRpc", "DeviceRpc", "KeyRpc", "SigningRpc"]
