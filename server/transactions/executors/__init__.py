"""Who does what was confirmed: plug-ins behind ``interface.Executor``. Built in: ledger, webhook."""
