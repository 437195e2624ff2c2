"""The signing device: an agent that signs transactions and shows them on its own display, see docs/transactions.md.

Read ``desk`` first: one transaction at a time, from its proposal until its code is gone. It knows neither displays nor
networks: ``serving`` lets terminals in, ``screen`` is one display, ``office`` says what it needs from elsewhere.
"""
