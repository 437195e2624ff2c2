"""Organisation keys in trust: asking for grants, deciding about them, using a key under one, reading the records.

From ``Contracts.trusteeship``. ``trusteeship.Trusteeship`` is the face; what is signed is in ``contract.trusteeship``.
"""
