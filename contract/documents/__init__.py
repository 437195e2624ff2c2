"""Contract documents, of whatever format: bytes and values in, bytes and values out.

``text``: what a document says, and its digest. ``draft``: what is set of it; read from DOCX, Markdown and plain text
(``reading``). ``docx``, ``typesetting``: written as DOCX and as PDF. ``diff``: what changed between two versions.
"""
