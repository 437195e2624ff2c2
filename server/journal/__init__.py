"""The journal: what was asked, by whom, and what was done. No record, no operation.

* Intent before the key is used, result after: both are on the disk before anybody hears of them.
* One (caller, request_id), one answer: a repeat gets the first one, another body is refused.
"""

from server.journal.flights import Flights, Outcomes
from server.journal.operation_checking import OperationCheck
from server.journal.policy import CheckCallers, Policy, Verdicts
from server.journal.records import Caller, Intent, OperationRecord, Outcome, Request, Result
from server.journal.requests import own_request_of, request_of
from server.journal.runner import Act, OperationRunner, Prepare, run_at_once
from server.journal.store import is_done, list_operations, probe

__all__ = [
    "Act",
    "Caller",
    "CheckCallers",
    "Flights",
    "Intent",
    "OperationCheck",
    "OperationRecord",
    "OperationRunner",
    "Outcome",
    "Outcomes",
    "Policy",
    "Prepare",
    "Request",
    "Result",
    "Verdicts",
    "is_done",
    "list_operations",
    "own_request_of",
    "probe",
    "request_of",
    "run_at_once",
]
