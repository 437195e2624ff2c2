"""Each rule refuses what it is there to refuse, and nothing else."""

from __future__ import annotations

import pytest

from tests.architecture import rules
from tests.architecture.rules import LONGEST_FUNCTION, LONGEST_MODULE, Rule
from tests.architecture.source import Module
from tests.architecture.words import forbidden_words

LONG_FUNCTION = "def f():\n" + "    x = 1\n" * LONGEST_FUNCTION
LONG_METHOD = "class A:\n    async def f(self):\n" + "        x = 1\n" * LONGEST_FUNCTION

BROKEN: list[tuple[Rule, str, str]] = [
    (rules.pure_packages_touch_nothing, "mpc.four_prime_rsa.signing", "import os"),
    (rules.pure_packages_touch_nothing, "mpc.four_prime_rsa.signing", "import time as t"),
    (rules.pure_packages_touch_nothing, "mpc.engines.gmpy2_engine", "from threading import Lock"),
    (rules.pure_packages_touch_nothing, "mpc.secret", "def f():\n    import secrets"),
    (rules.pure_packages_touch_nothing, "mpc.errors", "from fourseal.v1 import errors_pb2"),
    (rules.pure_packages_touch_nothing, "mpc.errors", "from cryptography.x509 import Certificate"),
    (rules.pure_packages_touch_nothing, "contract.envelope", "open('x')"),
    (rules.pure_packages_touch_nothing, "contract.envelope", "import secrets"),
    (rules.pure_packages_touch_nothing, "contract.statement", "f = datetime.now"),
    (rules.pure_packages_touch_nothing, "transparency.tree", "from cryptography import x509"),
    (rules.pure_packages_touch_nothing, "transparency.tree", "print(1)"),
    (rules.nothing_imports_upwards, "mpc.errors", "from mpc.engines import Engine"),
    (rules.nothing_imports_upwards, "mpc.engines.interface", "import mpc.four_prime_rsa"),
    (rules.nothing_imports_upwards, "wire.status", "from server.errors import OperatorError"),
    (rules.nothing_imports_upwards, "server.clock", "from server.errors import OperatorError"),
    (rules.nothing_imports_upwards, "server.storage.database", "from server.journal.records import Intent"),
    (rules.nothing_imports_upwards, "server.identity.accounts", "from server.signing import keys"),
    (rules.nothing_imports_upwards, "server.relay.rules", "from server.evidence.rules import Evidence"),
    (rules.nothing_imports_upwards, "server.signing.operations", "from server.root.build import build"),
    (rules.nothing_imports_upwards, "server.signing.operations", "from tests.helpers import fake"),
    (rules.nothing_imports_upwards, "server", "from server.clock import system_clock"),
    (rules.nothing_imports_upwards, "server.helpers", ""),
    (rules.nothing_imports_upwards, "somewhere.new", ""),
    (rules.programs_are_strangers, "server.root.build", "from signer_agent.client import Client"),
    (rules.programs_are_strangers, "signer_agent.cli", "import server.errors"),
    (rules.programs_are_strangers, "signer_agent.signing_device.desk", "from terminal import Terminal"),
    (rules.programs_are_strangers, "terminal.device", "from signer_agent.home import Home"),
    (rules.terminals_know_no_shares, "terminal.store", "from mpc.four_prime_rsa import KeyShare"),
    (rules.grpc_stays_at_the_edge, "server.signing.operations", "import grpc"),
    (rules.grpc_stays_at_the_edge, "server.signing.operations", "from grpc import aio"),
    (rules.grpc_stays_at_the_edge, "server.journal.records", "from fourseal.v1 import key_pb2"),
    (rules.grpc_stays_at_the_edge, "signer_agent.keystore", "from fourseal.v1.key_pb2 import Key"),
    (rules.sql_stays_in_stores, "server.signing.operations", "from sqlalchemy import select"),
    (rules.sql_stays_in_stores, "server.root.build", "import sqlalchemy"),
    (rules.sql_stays_in_stores, "signer_agent.keystore", "import sqlite3"),
    (rules.sql_stays_in_stores, "signer_agent.keystore", "from sqlalchemy import Connection"),
    (rules.faces_and_tables_are_private, "server.signing.rules", "from server.journal.tables import operations"),
    (rules.faces_and_tables_are_private, "server.signing.store", "from server.identity import store"),
    (rules.faces_and_tables_are_private, "server.evidence.rpc", "from server.signing.rpc.keys import KeyServicer"),
    (rules.systems_call_their_rules_directly, "server.signing.rules", "from server.signing.rpc import SigningServicer"),
    (
        rules.the_page_knows_the_desk_alone,
        "signer_agent.signing_device.page.face",
        "from signer_agent.home import Home",
    ),
    (rules.files_and_functions_are_short, "bench.run", LONG_FUNCTION),
    (rules.files_and_functions_are_short, "tests.test_x", LONG_METHOD),
    (rules.files_and_functions_are_short, "mpc.errors", "x = 1\n" * (LONGEST_MODULE + 1)),
]

KEPT: list[tuple[Rule, str, str]] = [
    (rules.pure_packages_touch_nothing, "contract.statement", "import re\nfrom datetime import UTC, datetime"),
    (rules.pure_packages_touch_nothing, "mpc.engines.gmpy2_engine", "import gmpy2\nfrom mpc.secret import Secret"),
    (rules.pure_packages_touch_nothing, "server.clock", "import time"),
    (rules.nothing_imports_upwards, "server.storage.database", "from server.storage.writer import Writer"),
    (rules.nothing_imports_upwards, "server.signing.rpc.keys", "from server.identity.accounts import Caller"),
    (rules.nothing_imports_upwards, "signer_agent.client.keys", "from wire.status import status_of"),
    (rules.nothing_imports_upwards, "tests.server.test_x", "from server.root.build import build"),
    (rules.programs_are_strangers, "demo.__main__", "import server.root\nimport signer_agent.client"),
    (rules.terminals_know_no_shares, "terminal.store", "from mpc.errors import FoursealError"),
    (rules.grpc_stays_at_the_edge, "server.signing.rpc.keys", "from grpc import aio"),
    (rules.grpc_stays_at_the_edge, "server.journal.records", "from grpclib_like import x"),
    (rules.sql_stays_in_stores, "server.journal.store", "from sqlalchemy import select"),
    (rules.sql_stays_in_stores, "server.journal.records", "from sqlalchemy import Connection"),
    (rules.faces_and_tables_are_private, "server.journal.records", "from server.journal.tables import operations"),
    (rules.faces_and_tables_are_private, "server.journal", "from server.journal.store import list_operations"),
    (rules.faces_and_tables_are_private, "server.journal.tables", "from server.storage.tables import UtcTime"),
    (rules.faces_and_tables_are_private, "server.root.build", "from server.signing.rpc.keys import KeyServicer"),
    (rules.systems_call_their_rules_directly, "server.signing.rpc.keys", "from server.signing.rpc.shared import x"),
    (rules.files_and_functions_are_short, "mpc.errors", "x = 1\n" * LONGEST_MODULE),
]


@pytest.mark.parametrize(("rule", "name", "text"), BROKEN)
def test_rule_refuses(rule: Rule, name: str, text: str) -> None:
    """One thing is wrong, and the module is named."""
    found = list(rule(Module(name, text)))
    assert len(found) == 1
    assert found[0].startswith(f"{name}:")


@pytest.mark.parametrize(("rule", "name", "text"), KEPT)
def test_rule_accepts(rule: Rule, name: str, text: str) -> None:
    """Nothing is wrong."""
    assert list(rule(Module(name, text))) == []


def test_every_rule_has_an_example_that_breaks_it() -> None:
    """A rule that cannot fail says nothing."""
    assert {rule for rule, _, _ in BROKEN} == set(rules.RULES)


@pytest.mark.parametrize("word", ["../sh" + "ared/x", "/wo" + "rk/main", "https://py" + "pi.org/simple", "TO" + "DO"])
def test_forbidden_word_is_found(word: str) -> None:
    """The line is named."""
    assert [line.split(": ")[0] for line in forbidden_words("a.md", f"fine\nsee {word}\n")] == ["a.md:2"]


def test_ordinary_words_are_allowed() -> None:
    """Words that only contain a forbidden one are fine."""
    assert list(forbidden_words("a.md", "a shared network/ for todos.org, in the work/ folder")) == []
