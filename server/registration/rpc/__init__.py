"""The gRPC face of the registration authority."""

from server.registration.rpc.service import RegistrationRpc

__all__ = ["RegistrationRpc"]
