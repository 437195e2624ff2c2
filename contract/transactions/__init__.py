"""Confirmed transactions: what a signing device shows is what its user confirms, and nothing else is executed.

A terminal proposes a transaction. The device makes a one-time confirmation code, seals it for the back end, signs the
transaction's digest and the sealed code together, and shows the code only after its user has read all of the
transaction on its own display and confirmed there. The back end takes transaction, signature and code together.

Read in this order: ``money``, ``transaction``; ``code``, ``binding``; ``device`` with ``display``, ``pages`` and
``picture``; ``verification`` and ``progress``, the back end's part. Pure: clocks and randomness are arguments.
docs/formats.md has every structure byte by byte.
"""
