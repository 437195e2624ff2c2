"""What is kept of contracts: who is in them and what was written (``contracts``), and what came of it (``archive``)."""
