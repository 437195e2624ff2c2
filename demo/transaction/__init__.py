"""A payment that an infected terminal tries to change, and a device that shows what is signed."""
