"""Watches the server's transparency log: keeps what it signed, and holds it to that.

Read ``kept``: what is kept, and where; ``line``: what is asked of the server; ``watch``: what is compared, and in which
order it is kept; ``alarms``: what is raised, and the proof of it.
"""
