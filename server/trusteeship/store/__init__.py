"""The tables of trusteeship."""
