"""Contract sessions at a signer's agent: accounts, logins, signer keys, sessions and their messages."""
