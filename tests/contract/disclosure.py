"""Messages in a log, and the bundles that disclose them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.bundle import files
from contract.bundle.checks import BundleTrust
from contract.bundle.files import BundleFile, file_name
from contract.bundle.parts import Bundle, DisclosedMessage, Disclosure, content_digests
from contract.bundle.reading import ReadBundle, read_bundle
from contract.bundle.verification import BundleReport, verify_bundle
from contract.bundle.writing import write_bundle
from contract.log_entry import EntryKind, LogEntry
from contract.oids import DEFAULT_ARC
from contract.statement import Answer, Decision, Statement
from tests.contract.evidence import Deposit, deposit
from tests.contract.world import NOW, Issuer, World, describe
from transparency.checkpoint import Checkpoint
from transparency.frontier import Frontier
from transparency.keys import VerifierKey
from transparency.nodes import NodeId
from transparency.proofs import inclusion_proof
from transparency.receipt import Receipt

ORIGIN: Final = "log.example/evidence"
LOG: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LOG_KEY: Final = VerifierKey.of(ORIGIN, LOG)
LOGGED: Final = NOW + timedelta(minutes=1)
REASON: Final = b"The rent is too high."


@dataclass
class Log:
    """A log in memory."""

    frontier: Frontier = field(default_factory=Frontier)
    nodes: dict[NodeId, bytes] = field(default_factory=dict)

    def append(self, entry: LogEntry) -> int:
        """The index."""
        index, growth = self.frontier.size, self.frontier.append([entry.leaf_hash])
        self.frontier, self.nodes = growth.frontier, {**self.nodes, **growth.nodes}
        return index

    def receipt(self, index: int) -> Receipt:
        """At the newest checkpoint."""
        checkpoint = Checkpoint(ORIGIN, self.frontier.size, self.frontier.root).sign(LOG)
        return Receipt(index, inclusion_proof(index, self.frontier.size, self.nodes), checkpoint)


def entry_of(deposited: Deposit, number: int = 1, time: datetime = LOGGED) -> LogEntry:
    """The log's entry with its record."""
    return LogEntry(EntryKind.EVIDENCE, time, bytes([number]) * 32, deposited.record.to_der())


def disclosed(world: World, deposited: Deposit, entry: LogEntry, receipt: Receipt) -> DisclosedMessage:
    """With everything that the author has of it."""
    return DisclosedMessage(
        statement=deposited.statement,
        signature=deposited.record.signature,
        entry=entry,
        receipt=receipt,
        time_stamp=None,
        author=world.person(deposited.statement.author).sign,
        session_sign=world.sign,
        session_encrypt=world.encrypt,
        disclosure=Disclosure(deposited.description, deposited.content_key),
    )


@dataclass(frozen=True)
class Case:
    """A bundle, its contents, and whom the verifier believes."""

    bundle: Bundle
    contents: Mapping[str, bytes]
    trust: BundleTrust

    def files(self) -> dict[str, bytes]:
        """Every file."""
        return {**write_bundle(self.bundle), **self.contents}

    def read(self) -> ReadBundle:
        """As who got the files reads it."""
        return read_bundle(bundle_files(self.files()), DEFAULT_ARC)

    def report(self) -> BundleReport:
        """Of the files."""
        return verify_bundle(self.read(), self.trust)

    def message(self, **changes: Any) -> Case:  # noqa: ANN401  # fields by their names
        """With other fields of the message."""
        return replace(self, bundle=replace(self.bundle, message=replace(self.bundle.message, **changes)))


def bundle_files(given: Mapping[str, bytes], piece: int = 1 << 16) -> list[BundleFile]:
    """Files in memory."""

    def reader(data: bytes) -> Callable[[], Iterator[bytes]]:
        return lambda: (data[at : at + piece] for at in range(0, len(data), piece))

    return [BundleFile(name, len(data), reader(data)) for name, data in given.items()]


def answer_to(world: World, author: str, statement: Statement, decision: Decision, content: bytes) -> Statement:
    """Of a recipient, to everybody else."""
    said = world.statement(author, statement.author, description=describe(content))
    return replace(said, answer=Answer(decision, statement))


def case_of(world: World, deposits: tuple[Deposit, ...], authority: Issuer, others: int = 3) -> Case:
    """The first is the message, the rest are answers to it, in the order of their authors.

    Args:
        world: the session.
        deposits: of one session.
        authority: whose list says that nobody is revoked.
        others: entries of others that stand between them in the log.
    """
    log = Log()
    entries = []
    for number, each in enumerate(deposits, start=1):
        entries.append((each, entry_of(each, number), log.append(entry_of(each, number))))
        for other in range(others):
            log.append(LogEntry(EntryKind.OPERATION, LOGGED, bytes([number + 100 + other]) * 32, b"another"))
    messages = [disclosed(world, each, entry, log.receipt(index)) for each, entry, index in entries]
    revocations = authority.sign_list(authority.revocation_list(issued=LOGGED, next_update=LOGGED + timedelta(days=1)))
    bundle = Bundle(messages[0], tuple(messages[1:]), authority.certificate, revocations)
    contents = {file_name(number, files.CONTENT): each.content for number, each in enumerate(deposits)}
    assert set(contents) == set(content_digests(bundle))
    return Case(bundle, contents, BundleTrust(authority.certificate, LOG_KEY))


def simple_case(world: World, content: bytes = b"The contract.") -> Case:
    """A message of Alice without answers."""
    statement = world.statement(description=describe(content))
    return case_of(world, (deposit(world, statement, content),), world.authority)


def answered_case(world: World, *answers: tuple[str, Decision]) -> Case:
    """A message of Alice, and answers."""
    statement = world.statement()
    said = [(answer_to(world, name, statement, decision, REASON), REASON) for name, decision in answers]
    return case_of(
        world, (deposit(world, statement), *(deposit(world, each, content) for each, content in said)), world.authority
    )


def logged_at(world: World, time: datetime) -> Case:
    """With an honest receipt."""
    deposited, log = deposit(world), Log()
    entry = entry_of(deposited, time=time)
    index = log.append(entry)
    message = disclosed(world, deposited, entry, log.receipt(index))
    case = simple_case(world)
    return replace(case, bundle=replace(case.bundle, message=message))


def with_list(case: Case, world: World, time: datetime, issued: datetime = NOW + timedelta(days=1)) -> Case:
    """A list on which Alice's certificate is revoked since then."""
    entry = (world.person("alice").sign.certificate, time, x509.ReasonFlags.key_compromise)
    builder = world.authority.revocation_list(entry, issued=issued, next_update=issued + timedelta(days=1))
    return replace(case, bundle=replace(case.bundle, revocations=world.authority.sign_list(builder)))
