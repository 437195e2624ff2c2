"""Accounts: passwords, lockout, registration, changes, and what is recorded of them."""
