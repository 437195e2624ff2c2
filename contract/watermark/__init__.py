"""Invisible watermarks in contract documents: bytes and values in, bytes and values out.

Read in this order: ``key``, ``payload``: what a watermark says; ``code``, ``frames``: how it is made to survive;
``channels``, ``capacity``: where there is room for it; ``embedding``, ``extraction``, ``alignment``: in and out, for
documents of any kind; ``docx``, ``pdf``: the kinds (``documents`` opens either). docs/formats.md specifies it byte by
byte, docs/adr/0029 and 0030 say why.
"""
