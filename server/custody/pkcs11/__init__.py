"""Key shares in a token: made there, used there, destroyed there; reached over PKCS#11 by worker processes."""
