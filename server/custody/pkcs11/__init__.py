"""Key shares in a token: made there, used there, destroyed there; reached over PKCS#11 by worker processes."""

from server.custody.pkcs11.ahead import HalvesAhead
from server.custody.pkcs11.holder import TokenHolder
from server.custody.pkcs11.logins import Logins
from server.custody.pkcs11.pool import WorkerPool
from server.custody.pkcs11.process import TokenAddress

__all__ = ["HalvesAhead", "Logins", "TokenAddress", "TokenHolder", "WorkerPool"]
