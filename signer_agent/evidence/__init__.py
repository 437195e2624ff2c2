"""Evidence, as its signers deposit, open and disclose it; and as a third party verifies it.

Offline, and without a key store: disclosure bundles as zip files (``zip_format``, ``archive``).
"""
