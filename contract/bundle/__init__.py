"""Disclosure bundles: all that a third party needs to verify one message offline, as a set of named files.

``files``: names, limits, manifest. ``parts``: what a bundle says, and the files that say it. ``writing``, with the text
that tells how to verify with OpenSSL alone (``instructions``); ``reading``, strictly. ``verification``: the numbered
checks (``content``, ``checks``). docs/formats.md lists every file.

Nothing here knows where files lie. Packing them (a zip) is for who writes and reads it.
"""
