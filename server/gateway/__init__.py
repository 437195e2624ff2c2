"""The gateway: stands between agents and the media server, and hands their calls on.

It ends the agents' TLS connections and names each to the media server (``server.identity.forwarding``). It sees what
the media server sees: headers, sizes and sequence numbers.
"""
