"""Statements: the one mechanism by which an account signs something jointly, whatever system it is for."""

from server.statements.statements import (
    ClientSignature,
    Deed,
    StatementIntent,
    StatementPolicy,
    Statements,
    compose_statements,
    require_own,
    require_recent,
    wrong_certificate,
)

__all__ = [
    "ClientSignature",
    "Deed",
    "StatementIntent",
    "StatementPolicy",
    "Statements",
    "compose_statements",
    "require_own",
    "require_recent",
    "wrong_certificate",
]
