"""Confirmed transactions: the back end. Registers, verifies, counts codes, executes once, and records each step."""
