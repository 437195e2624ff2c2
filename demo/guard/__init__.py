"""Somebody writes as Alice: gateways and a guard hold it, find out who it was, and let Alice's own go on."""
