"""Logins: how they are made, checked and ended, and how they prove possession of a signing key."""
