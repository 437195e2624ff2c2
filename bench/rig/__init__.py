"""The real parts that are measured: keys, a server process, an agent that is enrolled with it."""
