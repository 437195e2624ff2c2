"""Contract documents, of whatever format: bytes and values in, bytes and values out."""
