"""The load generator: a process of its own, so that it takes no time from what is measured, on cores of its own."""
