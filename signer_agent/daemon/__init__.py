"""The agent as a daemon: its gRPC face, its process, how it is started, and the client that talks to it."""
