"""The server: holds one half of every joint key, and uses it only together with the client's half.

Floors, from the ground; each uses only what lies below it::

    storage     database, migrations, paging
    custody     where secrets live
    journal     what was asked and what was done: intent, result, idempotency
    identity    who calls: authority, certificates, tickets, agents
    signing     joint keys, joint signatures, joint decryptions
    root, cli   composition, listeners, health; the operator's command line
"""
