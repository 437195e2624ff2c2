"""Brings a database's schema up or down, by alembic. Imported only where a schema is to be changed: it loads slowly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config

from server.storage.backend import Backend


def upgrade(backend: Backend, revision: str = "head") -> None:
    """Bring the schema up to ``revision``, all or nothing."""
    _run(backend, lambda config: command.upgrade(config, revision))


def downgrade(backend: Backend, revision: str) -> None:
    """Bring the schema down to ``revision`` ("base": no tables). What the later schema added is lost."""
    _run(backend, lambda config: command.downgrade(config, revision))


def migration_config() -> Config:
    """Alembic's settings: only where the migrations are."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    return config


def _run(backend: Backend, step: Callable[[Config], None]) -> None:
    engine = backend.open_writer()
    config = migration_config()
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            step(config)
    finally:
        engine.dispose()
