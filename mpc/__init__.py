"""The trusted core: everything that touches a secret exponent, a padding or a proof.

Values and bytes come in, values and bytes go out. Nothing here opens a file or a socket, reads a clock, starts a
thread or keeps a secret anywhere but in the objects it returns; randomness is an argument. Whoever wants to judge the
safety of Fourseal's keys reads this package and needs nothing else:

* ``mpc.errors`` - what can be wrong, and whose fault it is;
* ``mpc.engines`` - who does a share's private exponentiation;
* ``mpc.four_prime_rsa`` - shares, joint keys, encodings, signing, decryption, generation, certification;
* ``mpc.oprf`` - an oblivious pseudorandom function, so that a server counts who guesses a PIN and does not learn it.
"""
