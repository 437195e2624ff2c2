"""The key store: a folder of sealed files. Only what is listed here is used from outside."""
