"""Signatures of PDFs as every PDF reader knows them: PAdES baseline (ETSI EN 319 142-1), made and read by pyHanko.

A signature is an incremental update: the bytes before it stay, and each later one covers all that came before. Whoever
prepares a file puts in the fields that signatures will show in (``fields``) before the first is made: after it no new
visible field is allowed, for it could cover the text.
"""
