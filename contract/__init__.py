"""Contract sessions as values and bytes: what is signed, sealed, sent and verified. No I/O and no clock.

Read in this order: ``oids``, ``names``, ``der``; ``session_info``, ``statement``, ``description``: what is said;
``profiles``, ``certificates``, ``revocation``: by whom; ``signatures``; ``key_ciphertext``, ``key_sealing``,
``envelope``, ``content_key``, ``stream``, ``trailer``: how it travels; ``verification``: whether it holds.
docs/formats.md specifies every structure byte by byte.
"""
