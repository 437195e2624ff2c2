"""The client's side of joint keys, in this process: key store, line to the server, and what the two are used for."""
