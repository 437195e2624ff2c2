"""Contract documents: what their signers sign and consent to, and the evidence of it. Bytes and values in and out.

Read in this order: ``statements``, ``marks``: how a signer signs; ``consents``; ``evidence``: all of it in one file;
``records``: what the archive keeps. docs/formats.md specifies it, docs/adr/0032 says why.
"""
