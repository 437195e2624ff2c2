"""What is measured, one file each. A scenario takes a ``Bench`` and returns an ``Outcome``."""
