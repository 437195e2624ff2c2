"""Key shares in a token: made there, used there, destroyed there; reached over PKCS#11 by worker processes."""

from server.custody.pkcs11.holder import TokenHolder
from server.custody.pkcs11.pool import TokenAddress, WorkerPool

__all__ = ["TokenAddress", "TokenHolder", "WorkerPool"]
