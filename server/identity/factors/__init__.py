"""Second factors: one-time codes by time, codes by text message, security keys."""
