"""Contract documents of the account that is logged in: drafted in turns, signed, consented to, finished as PDF."""
