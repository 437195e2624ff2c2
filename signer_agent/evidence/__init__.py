"""Evidence, as its signers deposit, open and disclose it."""
