"""Whether a joint operation may be done now: state, purpose, algorithm, daily limit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from mpc.errors import FoursealError, WrongPurpose
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.journal import Intent
from server.signing import store
from server.signing.states import REFUSALS, KeyState
from server.signing.store import KeyRules
from wire.catalogue import ServiceError

_EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC).date().toordinal()


class JointOperationPolicy:
    """The rules of joint signatures, or of joint decryptions.

    A repeat of a pending operation must meet all rules but the daily limit: it was counted with its intent.

    Args:
        purpose: which of the two.
        clock: says which day it is.
    """

    def __init__(self, purpose: Purpose, clock: Clock) -> None:
        self._purpose = purpose
        self._clock = clock

    def admit(
        self, connection: Connection, intents: Sequence[Intent], repeated: Sequence[bool]
    ) -> list[FoursealError | None]:
        """See ``server.journal.Policy``.

        The refusals: KEY_NOT_FOUND, those of ``states.REFUSALS``, WRONG_PURPOSE, ALGORITHM_NOT_ALLOWED,
        DAILY_LIMIT_REACHED.
        """
        rules = store.find_rules(connection, (intent.key_id for intent in intents))
        verdicts = [self._judge(intent, rules.get(intent.key_id)) for intent in intents]
        counted = [
            index
            for index, intent in enumerate(intents)
            if verdicts[index] is None and not repeated[index] and rules[intent.key_id].daily_limit
        ]
        if counted:
            self._count(connection, [(index, rules[intents[index].key_id]) for index in counted], verdicts)
        return verdicts

    def _judge(self, intent: Intent, rules: KeyRules | None) -> FoursealError | None:
        if rules is None or rules.agent_id != intent.request.caller.agent_id:
            return ServiceError("KEY_NOT_FOUND", key_id=intent.key_id)
        if rules.state is not KeyState.ENABLED:
            return state_refusal(rules.key_id, rules.state, rules.abort_cause)
        if rules.purpose is not self._purpose:
            return WrongPurpose(wanted=self._purpose, found=rules.purpose)
        if rules.algorithms and intent.algorithm not in rules.algorithms:
            return ServiceError("ALGORITHM_NOT_ALLOWED", key_id=intent.key_id, algorithm=intent.algorithm or "?")
        return None

    def _count(
        self, connection: Connection, counted: list[tuple[int, KeyRules]], verdicts: list[FoursealError | None]
    ) -> None:
        """Count operations of keys that have a limit, and refuse those beyond it."""
        day = self._clock().date().toordinal() - _EPOCH_DAY
        before = store.find_usage(connection, {rules.key_id for _, rules in counted}, day)
        usage = dict(before)
        for index, rules in counted:
            used = usage.get(rules.key_id, 0)
            if used < rules.daily_limit:
                usage[rules.key_id] = used + 1
            else:
                verdicts[index] = ServiceError("DAILY_LIMIT_REACHED", key_id=rules.key_id, limit=rules.daily_limit)
        for key_id, operations in usage.items():
            if operations != before.get(key_id):
                store.put_usage(connection, key_id, day, operations)


def state_refusal(key_id: str, state: KeyState, abort_cause: str | None) -> ServiceError:
    """Why a key in this state, which is not ENABLED, refuses joint operations."""
    if state is KeyState.ABORTED:
        return ServiceError(REFUSALS[state], key_id=key_id, cause=abort_cause or "?")
    return ServiceError(REFUSALS[state], key_id=key_id)
