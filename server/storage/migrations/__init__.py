"""Alembic's folder. Each file in ``versions`` is one step up and down; none imports the server's tables of today."""
