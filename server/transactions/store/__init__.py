"""The tables of confirmed transactions."""
