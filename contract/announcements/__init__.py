"""The guard against forged signers: two keys that claim one source and one user within a window, and whose is genuine.

Who sends announces the key that signs. Whoever stands on the path watches: another key for the same claim, without a
key change, is an alarm. The receiver's gateway holds the traffic, gateways tell from their history which key was there
before, the others are named as impostors, and the rest is released.

Read in this order: ``keys``, ``claim``, ``key_change``, ``announcement``; ``window``, which finds conflicts, and
``failures``, which makes a flood cheap; ``history``, ``judgement``; ``contents``, ``control``: what guard, gateways and
receivers tell each other; ``alarm``: how an alarm stands. Pure: clocks and randomness are arguments. docs/formats.md
has every structure byte by byte.
"""
