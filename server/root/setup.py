"""Setting a server up: what ``fourseal-server init`` does. What is there already is kept."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from contract.oids import Arc
from server.clock import Clock
from server.config import Settings, load_settings
from server.custody import Custody, create_master_key
from server.errors import OperatorError
from server.identity import Authority
from server.root.ground import open_log, upgrade_schema
from server.root.holder import open_holder
from server.root.home import Home
from server.storage import Database
from server.storage.backend import Backend, backend_of
from server.storage.revision import SchemaState, schema_state
from server.transactions import BackEndKeys

_CONFIG = """\
# Configuration of fourseal-server. Every value can also be set by an environment variable, such as
# FOURSEAL_LISTEN for listen. The lines below are the defaults.

# listen = "127.0.0.1:7443"              # where agents call, by mutual TLS
# enrolment_listen = "127.0.0.1:7444"    # where an agent gets its certificate
# public_host = "localhost"              # host that tickets send agents to
# server_names = ["localhost", "127.0.0.1"]  # names in the server's certificate
# destruction_delay_seconds = 86400      # between the two steps in which a key is destroyed
# generation_lifetime_seconds = 3600     # after which an unfinished generation is aborted
# relay_address = ""                     # of the media server; empty: this server relays itself
# relay_quota_mebibytes = 8192           # of one author in one session, waiting at the media server
# relay_envelope_days = 30               # for which an envelope waits for its recipients
# relay_upload_hours = 24                # for which an unfinished upload can be gone on with
# relay_envelope_mebibytes = 65536       # of one envelope's content
# evidence_quota_mebibytes = 65536       # content of one account that is kept as evidence
# evidence_upload_hours = 24             # for which a content waits for the record that names it
# evidence_retention_days = 0            # after which the content of evidence is deleted; 0: never
# session_clock_seconds = 120            # by which the time of a statement may be off
# max_session_days = 366                 # from a contract session's begin to its end
# processes = 1                          # server processes on the same ports
# max_operations = 1024                  # under way at a time
# max_operations_per_caller = 512
# login_idle_seconds = 1800              # after which a login that is not used ends
# login_lifetime_seconds = 43200         # after which any login ends
# log_origin = ""                        # name of the transparency log; empty: made up by init, and never changed
# tsa_url = ""                           # of an authority for time stamps (RFC 3161), with tsa_certificate_file
# tsa_interval_seconds = 3600            # from one time stamp of the log to the next
# ocsp_listen = ""                       # where anybody asks about certificates by HTTP; empty: nowhere
# ocsp_url = ""                          # that certificates name for questions about them
# revocation_list_url = ""               # that they name for the list of revoked ones
# signer_certificate_days = 397          # for which a signer's certificates are valid
# revocation_list_seconds = 604800       # from one list of revoked certificates to the next at the latest
# back_end_name = "fourseal"             # of the back end for transactions, as they name it
# transaction_executors = ["transfer=ledger"]  # "kind=executor", for each kind of transaction that is executed
#                                        # "webhook" needs transaction_webhook_url and transaction_webhook_secret_file
# transaction_variants = ["code", "code-and-random", "digest"]  # of bindings that are taken
# open_transactions_per_terminal = 1000  # that are not over
# open_transactions_per_signer = 100     # of them, for one signer
# guard_name = "guard"                   # of the guard against forged signers, as control messages name it
# guard_window_seconds = 600             # within which two keys for one claim are a conflict
# guard_answer_seconds = 10              # for which it waits for gateways
# guard_announcements = 1500000          # that a process remembers
# guard_announcements_per_agent = 1000   # of one agent
# guard_announcements_per_minute = 60000 # that a gateway may tell of
# sms_provider = "none"                  # or "file" with sms_file, or "webhook" with sms_webhook_url and
#                                        # sms_webhook_secret_file: docs/operations.md
# webauthn_rp_id = "localhost"           # host name by which security keys know this server
# webauthn_origins = ["https://localhost"]  # of the software that talks to security keys
# health_interval_seconds = 5.0
# shutdown_grace_seconds = 30.0
# metrics_listen = ""                    # 127.0.0.1:9464, for Prometheus on this machine; empty: nowhere
# reflection = false                     # whether the server describes its services
# log_level = "info"
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was seen to: what, where, and whether it was made now or kept."""

    what: str
    where: str
    made: bool


def set_up(home: Home, log: structlog.stdlib.BoundLogger, clock: Clock) -> Iterator[Step]:
    """Make whatever a server needs and has not yet; yields each step after it was done.

    Raises:
        OperatorError: something cannot be made, or the master key of an existing database is missing.
    """
    yield make_folder(home.folder)
    yield _make_config(home)
    settings = load_settings(home.folder)
    backend = backend_of(home.database_url(settings))
    backend.create()
    state = schema_state(backend)
    yield _make_master_key(home.master_key(settings), database_is_new=state is SchemaState.EMPTY)
    yield make_schema(backend, home.database_url(settings), state)
    yield from _make_keys(home, settings, backend, log, clock)


def make_folder(folder: Path) -> Step:
    """A home folder. Raises OperatorError."""
    made = not folder.exists()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        text = f"the folder {folder} cannot be made: {error.strerror}"
        raise OperatorError(text, "Choose another --home.") from error
    return Step("home folder", str(folder), made)


def _make_config(home: Home) -> Step:
    made = not home.config.exists()
    if made:
        home.config.write_text(_CONFIG, encoding="utf-8")
    return Step("configuration", str(home.config), made)


def _make_master_key(path: Path, *, database_is_new: bool) -> Step:
    made = not path.exists()
    if made and not database_is_new:
        raise OperatorError(
            f"the database is there, but its master key {path} is missing",
            "Restore the master key from its backup: without it no share can be opened.",
        )
    if made:
        create_master_key(path, secrets.token_bytes)
    return Step("master key", str(path), made)


def make_schema(backend: Backend, url: str, state: SchemaState) -> Step:
    """The database's tables."""
    made = state in (SchemaState.EMPTY, SchemaState.OLDER)
    if made:
        upgrade_schema(backend)
    return Step("database", url, made)


def _make_keys(
    home: Home, settings: Settings, backend: Backend, log: structlog.stdlib.BoundLogger, clock: Clock
) -> Iterator[Step]:
    with closing(Database(backend, log)) as database:
        custody = Custody(
            database,
            home.master_key(settings),
            secrets.token_bytes,
            capacity=settings.opened_shares,
            open_holder=partial(open_holder, home, settings, database, log, clock),
        )
        where = "in the token" if custody.keys.in_token else "sealed by the master key"
        with closing(custody.shares.holder):
            database.write_now(lambda connection: custody.ensure_probe(connection, clock()))
            made = Authority.ensure(database, custody.keys, clock())
            open_log(database, custody, settings, clock)
            yield Step("certificate authority", f"in the database, its key {where}", made)
            authority = database.read_now(lambda each: Authority.load(each, custody.keys, Arc(settings.oid_arc)))
            name = settings.back_end_name
            keys = BackEndKeys(database, custody.keys, authority, secrets.token_bytes, clock, name=name)
            yield Step("key for confirmation codes", where, keys.ensure_now())
