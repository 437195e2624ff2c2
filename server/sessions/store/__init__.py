"""What is kept of contract sessions: ``tables``; who is in them (``sessions``); what was signed (``statements``)."""
