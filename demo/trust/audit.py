"""An auditor verifies every record offline, and finds the one that the operator removed."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Final

from demo.attacks import SERVER_HOME
from demo.people import Signer
from demo.show import Show
from demo.stage import AttackSucceeded, CommandFailed, Stage
from demo.trust.company import COMPANY, Company

_EXPORT: Final = "records.before"
_AFTER: Final = "records.after"
_REMOVED: Final = 3
_SHOWN: Final = ("outcome", "records", "first", "last", "missing", "outcomes", "findings")
_OPERATOR: Final = """
import sqlite3, sys
database, *where = sys.argv[1:]
with sqlite3.connect(database) as connection:
    if connection.execute("DELETE FROM trust_uses WHERE key_id = ? AND number = ?", where).rowcount != 1:
        sys.exit("there is no such record")
"""


@dataclass(slots=True)
class Audit:
    """The last act. Each step returns what it came to, in a few words; one that does not hold raises."""

    company: Company

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        with self._show.step("Audit every record of the seal, offline") as shown:
            shown.outcome = self._verify()
        with self._show.step("Remove a record as the operator", is_attack=True) as shown:
            shown.outcome = self._remove()

    def _verify(self) -> str:
        self._show.say("Carol audits. She takes all records of the seal along, and verifies them without the server:")
        key = ("--organisation", COMPANY, "--key", self.company.seal_key)
        for each in json.loads(self._auditor.fourseal("audit", "list", *key, "--json")):
            what = f"{each['outcome']}: {each['detail']}" if each["detail"] else each["outcome"]
            self._show.output(f"{each['number']}  {each['user']}  {what}  ({each['reason']})")
        if not self._holds(_EXPORT):
            raise CommandFailed("the audit did not pass")
        return "each signed by its user, under a grant that two directors signed, proven to stand in the log; no gaps"

    def _remove(self) -> str:
        self._show.say(f"The operator deletes record {_REMOVED} from the database, where nobody sees it:")
        where = (self.company.seal_key, str(_REMOVED))
        self._stage.must([sys.executable, "-c", _OPERATOR, f"{SERVER_HOME}/fourseal.db", *where])
        if self._holds(_AFTER):
            raise AttackSucceeded("a record is missing, and the audit passed")
        return f"the audit names the gap: record {_REMOVED}"

    def _holds(self, file: str) -> bool:
        """Export all records of the seal, and verify the file: without a line to the server."""
        key = ("--organisation", COMPANY, "--key", self.company.seal_key)
        self._auditor.fourseal("audit", "export", *key, "--out", file)
        outcome = self._auditor.attempt("audit", "verify", file, "--json")
        report = json.loads(outcome.printed)
        for name in _SHOWN:
            self._show.output(f"{name}: {json.dumps(report[name])}")
        return outcome.succeeded

    @property
    def _auditor(self) -> Signer:
        return self.company.directors[1]

    @property
    def _show(self) -> Show:
        return self.company.show

    @property
    def _stage(self) -> Stage:
        return self.company.stage
