"""The signing device: an agent that signs transactions and shows them on its own display, see docs/transactions.md.

Read ``desk`` first: one transaction at a time, from its proposal until its code is gone. It knows neither displays nor
networks: ``serving`` lets terminals in, ``page`` is a display for a phone, the command line has one for
a terminal's screen; ``office`` says what it needs from elsewhere.
"""
