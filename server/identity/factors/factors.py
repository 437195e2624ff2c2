"""Second factors of every kind: set up, sealed, answered.

What must not be read from the database is sealed for its account, factor and state: the secret of one-time codes, phone
numbers, sent codes. So a row that is moved to another account does not open.

Checking an answer is divided: ``load`` in a transaction, ``check`` in any thread, and ``settle`` in a later
transaction, which lets of several that come with one code at a time only one through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final

from sqlalchemy import Connection

from server.custody import Context, Sealer
from server.custody.sealing import SealBroken
from server.identity.factors import security_keys, totp
from server.identity.factors.security_keys import Credential, RelyingParty
from server.identity.names import new_id
from server.identity.store import factors as store
from server.identity.store.accounts import Account
from server.identity.store.factors import FactorKind, SecondFactor, SentCode
from wire.catalogue import ServiceError

CODE_LIFETIME: Final = timedelta(minutes=5)
CODE_INTERVAL: Final = timedelta(minutes=1)
CODE_TRIES: Final = 5
CODE_DIGITS: Final = 6
CONFIRMATION: Final = b"confirmation"
"""The occasion of codes that show that a new factor works. Others are 32 bytes long."""
MAX_HINT: Final = 64
_PHONE_NUMBER: Final = re.compile(r"\+[0-9]{7,15}", re.ASCII)
_SHOWN_DIGITS: Final = 2


@dataclass(frozen=True, slots=True)
class NewFactor:
    """What a second factor starts from.

    Args:
        kind: which kind.
        phone_number: E.164, for text messages; else empty.
        hint: what its owner knows it by, where it is no phone number.
    """

    kind: FactorKind
    phone_number: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FactorSetup:
    """What its owner needs to set a second factor up; empty once it is confirmed."""

    factor: SecondFactor
    totp_uri: str = field(default="", repr=False)
    webauthn_options_json: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the owner of a second factor answers."""

    code: str = field(default="", repr=False)
    webauthn_response_json: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """A second factor, and what an answer is compared with. From ``load``.

    Args:
        factor: the factor.
        challenge: that a security key must have signed.
        sent: the code that was sent, if one was.
    """

    factor: SecondFactor
    challenge: bytes
    sent: SentCode | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """An answer that was right: what the factor's row is to hold from now on."""

    counter: int
    sealed: bytes = field(repr=False)


class SecondFactors:
    """Makes and checks second factors.

    Args:
        sealer: for their secrets.
        party: as what the server is known to security keys.
        sends_messages: whether there is a provider of text messages.
        random: randomness for secrets and codes.
        clock: the time.
    """

    def __init__(
        self,
        sealer: Sealer,
        party: RelyingParty,
        random: Callable[[int], bytes],
        clock: Callable[[], datetime],
        *,
        sends_messages: bool,
    ) -> None:
        self._sealer = sealer
        self._party = party
        self._random = random
        self._clock = clock
        self._sends_messages = sends_messages

    def check_wish(self, wish: NewFactor) -> None:
        """See that such a factor can be made.

        Raises:
            ServiceError: FIELD_INVALID; FACTOR_NOT_OFFERED: there is no provider of text messages.
        """
        if (wish.kind is FactorKind.SMS) != bool(wish.phone_number) or (
            wish.phone_number and not _PHONE_NUMBER.fullmatch(wish.phone_number)
        ):
            raise ServiceError(
                "FIELD_INVALID", field="second_factor.phone_number", problem='not "+" and 7 to 15 digits, or not empty'
            )
        if len(wish.hint) > MAX_HINT or not wish.hint.isprintable():
            raise ServiceError(
                "FIELD_INVALID", field="second_factor.hint", problem=f"not at most {MAX_HINT} printable characters"
            )
        if wish.kind is FactorKind.SMS and not self._sends_messages:
            raise ServiceError("FACTOR_NOT_OFFERED", kind=wish.kind.value)

    def make(self, account: Account, wish: NewFactor, known: Sequence[SecondFactor]) -> SecondFactor:
        """A new second factor, not confirmed yet."""
        factor_id = new_id(self._random)
        hint = _masked(wish.phone_number) if wish.kind is FactorKind.SMS else wish.hint
        draft = SecondFactor(
            account=account.name,
            factor_id=factor_id,
            kind=wish.kind,
            hint=hint,
            confirmed=False,
            sealed=b"",
            counter=totp.NEVER_USED,
            create_time=self._clock(),
        )
        secret = self._new_secret(account, wish, known)
        return replace(draft, sealed=self._sealer.seal(_context(draft, confirmed=False), secret))

    def setup_of(self, factor: SecondFactor) -> FactorSetup:
        """How a factor is set up, as often as it is asked until it is confirmed."""
        if factor.confirmed or factor.kind is FactorKind.SMS:
            return FactorSetup(factor)
        secret = self._open(factor)
        if factor.kind is FactorKind.TOTP:
            return FactorSetup(factor, totp_uri=totp.uri_of(secret, factor.account))
        return FactorSetup(factor, webauthn_options_json=secret.decode())

    def phone_number(self, factor: SecondFactor) -> str:
        """Where codes of a factor are sent."""
        return self._open(factor).decode()

    def authentication_options(self, factors: Sequence[SecondFactor], challenge: bytes) -> str:
        """What a security key is asked at a login; empty if the account has none."""
        known = self._credential_ids(factors)
        return security_keys.authentication_options(self._party, challenge, known) if known else ""

    def load(self, connection: Connection, factor: SecondFactor, occasion: bytes, challenge: bytes) -> Question:
        """Read what an answer is to be compared with, and count the try.

        Args:
            connection: a transaction.
            factor: that is answered.
            occasion: SHA-256 of the login's challenge, or ``CONFIRMATION``.
            challenge: that a security key must have signed; empty at a confirmation: it stands in the factor's options.
        """
        sent = None
        if factor.kind is FactorKind.SMS:
            sent = store.find_code(connection, factor.account, factor.factor_id, occasion)
            if sent is not None:
                store.count_try(connection, sent)
        return Question(factor, challenge, sent)

    def check(self, question: Question, answer: Answer) -> Accepted | None:
        """Compare an answer; None if it is wrong. Changes nothing."""
        factor = question.factor
        secret = self._open(factor)
        if factor.kind is FactorKind.TOTP:
            step = totp.accepted_step(secret, answer.code, factor.counter, self._clock())
            return None if step is None else self._accepted(factor, secret, step)
        if factor.kind is FactorKind.SMS:
            right = question.sent is not None and self._is_sent_code(question.sent, answer.code)
            return self._accepted(factor, secret, factor.counter + 1) if right else None
        return self._check_security_key(question, secret, answer.webauthn_response_json)

    def settle(self, connection: Connection, question: Question, accepted: Accepted) -> bool:
        """Use an answer up; False if somebody else did meanwhile, or the factor was removed."""
        factor = question.factor
        if question.sent is not None and not store.drop_code(connection, question.sent):
            return False
        if factor.confirmed:
            return store.advance_counter(connection, factor, accepted.counter)
        return store.confirm_factor(connection, factor, accepted.sealed, accepted.counter)

    def new_code(self, connection: Connection, factor: SecondFactor, occasion: bytes) -> str:
        """A code to be sent for an occasion, in the place of an older one.

        Raises:
            ServiceError: CODE_SENT_RECENTLY: less than a minute ago, for whatever occasion.
        """
        now = self._clock()
        last = store.last_sent(connection, factor.account, factor.factor_id)
        if last is not None and now < last + CODE_INTERVAL:
            seconds = -(-(last + CODE_INTERVAL - now) // timedelta(seconds=1))
            raise ServiceError("CODE_SENT_RECENTLY", retry_seconds=seconds)
        code = f"{int.from_bytes(self._random(16), 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}}"
        draft = SentCode(factor.account, factor.factor_id, occasion, b"", 0, now)
        sealed = self._sealer.seal(_code_context(draft), code.encode())
        store.put_code(connection, replace(draft, sealed=sealed))
        return code

    def _new_secret(self, account: Account, wish: NewFactor, known: Sequence[SecondFactor]) -> bytes:
        if wish.kind is FactorKind.TOTP:
            return totp.new_secret(self._random)
        if wish.kind is FactorKind.SMS:
            return wish.phone_number.encode()
        return security_keys.registration_options(
            self._party,
            account.user_handle,
            account.name,
            account.display_name,
            self._random(security_keys.CHALLENGE_BYTES),
            self._credential_ids(known),
        ).encode()

    def _credential_ids(self, factors: Sequence[SecondFactor]) -> list[bytes]:
        keys = (each for each in factors if each.kind is FactorKind.WEBAUTHN and each.confirmed)
        return [Credential.from_bytes(self._open(each)).credential_id for each in keys]

    def _check_security_key(self, question: Question, secret: bytes, response_json: str) -> Accepted | None:
        factor = question.factor
        if factor.confirmed:
            credential = Credential.from_bytes(secret)
            counter = security_keys.check_authentication(
                self._party, response_json, question.challenge, credential, factor.counter
            )
            return None if counter is None else self._accepted(factor, secret, counter)
        challenge = security_keys.challenge_of(secret.decode())
        registered = security_keys.check_registration(self._party, response_json, challenge)
        return None if registered is None else self._accepted(factor, registered[0].to_bytes(), registered[1])

    def _is_sent_code(self, sent: SentCode, code: str) -> bool:
        if sent.tries >= CODE_TRIES or not sent.create_time <= self._clock() < sent.create_time + CODE_LIFETIME:
            return False
        return compare_digest(self._open_sealed(_code_context(sent), sent.sealed), code.encode())

    def _accepted(self, factor: SecondFactor, secret: bytes, counter: int) -> Accepted:
        return Accepted(counter, self._sealer.seal(_context(factor, confirmed=True), secret))

    def _open(self, factor: SecondFactor) -> bytes:
        return self._open_sealed(_context(factor, confirmed=factor.confirmed), factor.sealed)

    def _open_sealed(self, context: Context, sealed: bytes) -> bytes:
        try:
            return self._sealer.open(context, sealed)
        except SealBroken:
            raise ServiceError("FACTOR_DAMAGED") from None


def _context(factor: SecondFactor, *, confirmed: bool) -> Context:
    state = b"confirmed" if confirmed else b"unconfirmed"
    return Context("second-factor", f"{factor.account}/{factor.factor_id}", (factor.kind.value.encode(), state))


def _code_context(code: SentCode) -> Context:
    return Context("sent-code", f"{code.account}/{code.factor_id}", (code.occasion,))


def _masked(phone_number: str) -> str:
    return "•" * (len(phone_number) - _SHOWN_DIGITS) + phone_number[-_SHOWN_DIGITS:]
