"""Confirmed transactions as the account that signs them sees them at the back end."""
