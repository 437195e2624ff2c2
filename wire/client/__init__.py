"""What programs at a client's end share: enrolment, repeated calls, blame, private folders, how commands show things.

The signer agent and the terminal are such programs. They share nothing else.
"""
