"""Certificates of signers: issued for keys whose possession is proved, revoked, listed."""
