"""The thief who has everybody's keys, after the session: folders, passphrases, passwords, even live logins.

The contract is changed, and shall get a signature under the session that was closed. Everything is tried for real.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from contract.description import ContentDescription
from contract.errors import VerificationFailed
from contract.session_info import Scheme
from contract.signatures import JointSignature, joint_message, verify_signature
from contract.statement import Recipient, Statement
from demo.forgery import forgeries
from demo.people import Signer
from demo.show import Show
from demo.stage import AttackSucceeded, Stage
from mpc.errors import FoursealError
from mpc.four_prime_rsa import SigningShare
from signer_agent.client.server_line import ServerLine
from signer_agent.contracts.outbox_entry import OutboxEntry
from signer_agent.contracts.signer import Signer as LoggedIn

_CHANGED: Final = "changed.pdf"


def closed_session_attacks(stage: Stage, show: Show, people: Sequence[Signer], session_id: str) -> str:
    """Try to sign a changed contract; returns what came of it."""
    show.say("The thief copies everybody's folder and knows every passphrase. All logins still work.")
    contract = (stage.folder / "contract.pdf").read_bytes()
    changed = contract.replace(b"/Pages", b"/PagEs", 1) + b"\n% for 1.00 yuan\n"
    (stage.folder / _CHANGED).write_bytes(changed)
    for victim in people:
        done = victim.robbed("send", session_id, _CHANGED, "--yes")
        if done.succeeded:
            raise AttackSucceeded(f"the thief sent a changed contract as {victim.name}")
        show.refusal(f"as {victim.name}, with the command line:", _reason(done.printed))
    attempts = asyncio.run(_by_hand(people, session_id, changed))
    for attempt, answer in attempts:
        show.refusal(attempt, answer)
    return f"{len(people) + len(attempts)} attempts, no signature: the share that would have to take part is gone"


async def _by_hand(people: Sequence[Signer], session_id: str, changed: bytes) -> list[tuple[str, str]]:
    """With the library, past the agent's own checks."""
    answers = []
    for victim in people:
        store = victim.store()
        identity = store.identity()
        if identity is None:
            raise AttackSucceeded("the scene is wrong: nobody is enrolled")
        line = ServerLine(identity, store)
        try:
            thief = await LoggedIn.open(store, line)
            statement = await _statement_of(thief, session_id, changed)
            answers.append((f"as {victim.name}, straight at the server:", await _ask_server(thief, statement)))
            stolen = [each.signing_half() for each in people if each is not victim]
            tries = await _without(thief, statement, victim.outbox()[-1], stolen)
            answers.append((f"as {victim.name}, with all client halves at once:", tries))
        finally:
            await line.close()
    return answers


async def _statement_of(thief: LoggedIn, session_id: str, changed: bytes) -> Statement:
    """What a real statement of a changed contract would say."""
    session = await thief.session(session_id)
    others = sorted(set(session.members) - {thief.name})
    description = ContentDescription(
        nonce=secrets.token_bytes(32),
        content_type="application/pdf",
        name="contract.pdf",
        length=len(changed),
        digest=hashlib.sha256(changed).digest(),
    )
    return Statement(
        session_id=session_id,
        session_certificate=session.sign_certificate.fingerprint,
        author=thief.name,
        author_certificate=thief.sign_certificate.fingerprint,
        time=datetime.now(UTC).replace(microsecond=0),
        sequence=1000,
        recipients=tuple(
            Recipient(name, session.member(name).encrypt_certificate.fingerprint, number)
            for number, name in enumerate(others, start=3)
        ),
        description=description.commitment,
    )


async def _ask_server(thief: LoggedIn, statement: Statement) -> str:
    try:
        await thief.sign_statement(statement)
    except FoursealError as error:
        if error.reason != "SESSION_CLOSED":
            raise AttackSucceeded(f"refused for another reason than the closing: {error.reason}") from error
        return error.reason
    raise AttackSucceeded(f"the server signed a changed contract for {thief.name}")


async def _without(thief: LoggedIn, statement: Statement, sent: OutboxEntry, stolen: Sequence[SigningShare]) -> str:
    """Every client half at once, and a genuine signature of the session: all that there is but the session's half."""
    session = await thief.certificates_of(statement.session_id, statement.session_certificate)
    genuine = sent.signed_statement()
    if (
        session.info.scheme is not Scheme.JOINT
        or not isinstance(thief.sign_key, SigningShare)
        or not isinstance(genuine.signature, JointSignature)
        or genuine.statement.session_id != session.session_id
    ):
        raise AttackSucceeded("the scene is wrong: no joint session, or nothing that was signed in it")
    message = joint_message(statement, thief.sign_certificate, session.sign_certificate, secrets.token_bytes(32))
    tries = forgeries(message, thief.sign_key, genuine.signature.data, stolen)
    reasons = set()
    for forgery in tries:
        forged = JointSignature(forgery.signature)
        try:
            verify_signature(statement.to_der(), forged, thief.sign_certificate, session.sign_certificate)
        except VerificationFailed as error:
            reasons.add(error.reason)
        else:
            raise AttackSucceeded(f"{forgery.how}: it passed for a signature")
    return f"{', '.join(reasons)}, {len(tries)} times"


def _reason(printed: str) -> str:
    lines = [line for line in printed.splitlines() if line.strip()]
    return lines[-1] if lines else "no answer"
