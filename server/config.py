"""The server's configuration: a TOML file, overridden by FOURSEAL_* environment variables. All of it has defaults."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from contract.log_certificate import check_origin
from contract.oids import DEFAULT_ARC, Arc
from contract.transactions.binding import CodeVariant
from mpc.engines import EngineName
from mpc.errors import MalformedInput
from server.errors import OperatorError

CONFIG_NAME: Final = "config.toml"
_ENVIRONMENT_PREFIX: Final = "FOURSEAL_"
_ADDRESS: Final = re.compile(r"(?P<host>[^\s:]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})", re.ASCII)
_PEER: Final = re.compile(r"[a-z0-9._-]{1,63}:[0-9]{1,5}", re.ASCII)
_URL: Final = re.compile(r"https?://[!-~]{1,500}", re.ASCII)
_MAX_PORT: Final = 65535
_file: Final = ContextVar[Path | None]("file", default=None)
"""Which file settings are read from: a class for each would take longer to make than to read it."""


def _check_address(address: str) -> str:
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > _MAX_PORT:
        raise ValueError("must be host:port, port 0 for a free one")
    return address


def _check_peer(address: str) -> str:
    if not _PEER.fullmatch(address):
        raise ValueError("must be host:port, the host one by which control messages can call a gateway")
    return _check_address(address)


def _check_arc(arc: str) -> str:
    try:
        return Arc(arc).arc
    except MalformedInput as error:
        raise ValueError(str(error)) from None


def _check_optional_address(address: str) -> str:
    return address and _check_address(address)


def _check_loopback(address: str) -> str:
    host = _check_optional_address(address).rpartition(":")[0].strip("[]")
    if address and host != "localhost" and not _is_loopback(host):
        raise ValueError("must be an address of this machine alone, as 127.0.0.1:9464")
    return address


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _check_url(url: str) -> str:
    if url and not _URL.fullmatch(url):
        raise ValueError("must be a URL of http or https, in ASCII")
    return url


def _check_origin(origin: str) -> str:
    try:
        return origin and check_origin(origin)
    except MalformedInput as error:
        raise ValueError(str(error)) from None


def _check_executors(choices: list[str]) -> list[str]:
    kinds = [choice.partition("=")[0] for choice in choices]
    if len(kinds) != len(set(kinds)):
        raise ValueError("a kind of transaction is there twice")
    return choices


Address = Annotated[str, AfterValidator(_check_address)]
HostName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$")]
"""A DNS name in ASCII (punycode for others), or an IP address."""
AccountName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$")]
"""Of the form of an account's name."""
ExecutorChoice = Annotated[
    str, Field(max_length=96, pattern=r"^[a-z0-9]([a-z0-9.-]{0,30}[a-z0-9])?=[a-z0-9][a-z0-9._-]{0,62}$")
]
"""A kind of transaction, "=", and the name of an executor."""


class Settings(BaseSettings):
    """What can be set. Units are in the names."""

    model_config = SettingsConfigDict(env_prefix=_ENVIRONMENT_PREFIX, extra="forbid", frozen=True)

    listen: Address = "127.0.0.1:7443"
    """Where agents with a certificate call."""
    enrolment_listen: Address = "127.0.0.1:7444"
    """Where an agent gets its certificate."""
    public_host: str = Field("localhost", min_length=1, max_length=253)
    """Host that tickets send agents to; must be one of server_names."""
    server_names: list[HostName] = Field(["localhost", "127.0.0.1"], min_length=1)
    """Host names and IP addresses in the server's certificate."""
    database_url: str = ""
    """SQLAlchemy URL; empty: fourseal.db in the home folder."""
    master_key_file: str = ""
    """File of the master key; empty: master.key in the home folder."""
    destruction_delay_seconds: int = Field(24 * 3600, ge=0, le=366 * 24 * 3600)
    """Time between the two steps in which a key is destroyed."""
    generation_lifetime_seconds: int = Field(3600, ge=1, le=7 * 24 * 3600)
    """Time after which a generation that was not finished is aborted."""
    relay_address: Annotated[str, AfterValidator(_check_optional_address)] = ""
    """host:port of the media server as agents reach it; empty: this server relays itself."""
    relay_quota_mebibytes: int = Field(8192, ge=1, le=1 << 30)
    """Content of one author in one session that may wait at the media server, MiB."""
    relay_envelope_days: int = Field(30, ge=1, le=366)
    """Days for which an envelope waits for its recipients."""
    relay_upload_hours: int = Field(24, ge=1, le=366 * 24)
    """Hours for which an unfinished upload can be gone on with."""
    relay_envelope_mebibytes: int = Field(65536, ge=1, le=1 << 30)
    """Content of one envelope, MiB."""
    evidence_quota_mebibytes: int = Field(65536, ge=1, le=1 << 30)
    """Content of one account that is kept as evidence, MiB."""
    evidence_upload_hours: int = Field(24, ge=1, le=366 * 24)
    """Hours for which a content waits for the record that names it."""
    evidence_retention_days: int = Field(0, ge=0, le=36600)
    """Days after which the content of evidence is deleted; 0: never. Records and the log never are."""
    session_clock_seconds: int = Field(120, ge=1, le=600)
    """Seconds by which the time of a statement may differ from the server's."""
    max_contract_signers: int = Field(10, ge=2, le=10)
    """Parties of a contract that is drafted."""
    contract_versions: int = Field(200, ge=1, le=10000)
    """Versions of such a contract."""
    contract_draft_mebibytes: int = Field(64, ge=1, le=4096)
    """All versions of such a contract together, MiB."""
    font_folder: str = ""
    """Folder of the fonts that contracts are set in; empty: where the system has them."""
    max_session_days: int = Field(366, ge=1, le=366)
    """Days from the begin of a contract session to its end, at most."""
    max_operations: int = Field(1024, ge=1)
    """Operations under way at a time; more are refused with RESOURCE_EXHAUSTED."""
    max_operations_per_caller: int = Field(512, ge=1)
    """The same for one caller."""
    max_calls: int = Field(2048, ge=1)
    """Calls of any sort under way at a time, streams among them; more are refused with RESOURCE_EXHAUSTED."""
    max_calls_per_caller: int = Field(512, ge=1)
    """The same for one client certificate."""
    custody: Literal["database", "pkcs11"] = "database"
    """Where key shares live: sealed in the database, or in a token. Must not change once there are keys."""
    pkcs11_module: str = ""
    """Custody pkcs11: path of the token's PKCS#11 library."""
    pkcs11_token: str = ""
    """Custody pkcs11: label of the token."""
    pkcs11_pin_file: str = ""
    """Custody pkcs11: file with the PIN of the token's user, readable by its owner only; empty: pkcs11_pin."""
    pkcs11_pin: SecretStr = SecretStr("")
    """Custody pkcs11: the PIN itself, meant for the environment: FOURSEAL_PKCS11_PIN."""
    pkcs11_workers: int = Field(2, ge=1, le=64)
    """Custody pkcs11: processes that work at the token, of every server process."""
    pkcs11_start_seconds: float = Field(30.0, ge=0, le=3600)
    """Custody pkcs11: time for which the start waits for the token."""
    engine: EngineName = EngineName.GMPY2
    """Who exponentiates with the server's shares."""
    processes: int = Field(1, ge=1, le=64)
    """Server processes on one port; above 1 a supervisor starts them. The media server is always one."""
    worker_threads: int = Field(0, ge=0, le=256)
    """Threads of a process that exponentiate; 0: one a core, divided among the processes."""
    shares_ahead: int = Field(2, ge=0, le=64)
    """Fresh shares that are kept ready, of every purpose and size that was asked for; 0: none. In the database each
    process keeps so many, in a token all together."""
    opened_shares: int = Field(1024, ge=1)
    """Key shares that stay open in memory."""
    login_idle_seconds: int = Field(30 * 60, ge=60, le=24 * 3600)
    """Time after which a login that is not used ends."""
    login_lifetime_seconds: int = Field(12 * 3600, ge=60, le=7 * 24 * 3600)
    """Time after which any login ends."""
    oid_arc: Annotated[str, AfterValidator(_check_arc)] = DEFAULT_ARC.arc
    """Arc of the object identifiers in certificates. Must never change once certificates were issued."""
    log_origin: Annotated[str, AfterValidator(_check_origin)] = ""
    """Name of the transparency log, unlike any other's; empty: made up at init. Must never change."""
    tsa_url: str = ""
    """URL of an authority for time stamps (RFC 3161), for checkpoints of the log; empty: none."""
    tsa_certificate_file: str = ""
    """PEM file of the certificates that the authority's must lead to."""
    tsa_interval_seconds: int = Field(3600, ge=60, le=366 * 24 * 3600)
    """Time from one time stamp to the next at least; none is made while the log does not grow."""
    revocation_list_seconds: int = Field(7 * 24 * 3600, ge=3600, le=90 * 24 * 3600)
    """Time from one list of revoked certificates to the next at the latest."""
    ocsp_listen: Annotated[str, AfterValidator(_check_optional_address)] = ""
    """Where anybody asks about certificates by HTTP, and gets the list of revoked ones; empty: nowhere."""
    ocsp_answer_seconds: int = Field(3600, ge=60, le=7 * 24 * 3600)
    """Time for which an answer about a certificate may be believed."""
    ocsp_url: Annotated[str, AfterValidator(_check_url)] = ""
    """URL that signers' certificates name for questions about them; empty: they name none."""
    revocation_list_url: Annotated[str, AfterValidator(_check_url)] = ""
    """URL that signers' certificates name for the list of revoked ones; empty: they name none."""
    signer_certificate_days: int = Field(397, ge=1, le=397)
    """Days for which a signer's certificates are valid."""
    registration_officers: list[AccountName] = Field([], max_length=100)
    """Who may decide about requests for certificates of joint keys; empty: nobody."""
    registration_approvals: int = Field(1, ge=1, le=2)
    """Officers that must approve such a request."""
    certificate_pairs_per_day: int = Field(10, ge=1, le=1000)
    """Pairs of certificates that an account is issued within 24 hours."""
    account_event_days: int = Field(1096, ge=1, le=36525)
    """Days for which what happened to accounts is kept."""
    back_end_name: AccountName = "fourseal"
    """Name of the back end for transactions, as they name it."""
    transaction_executors: Annotated[list[ExecutorChoice], AfterValidator(_check_executors)] = Field(
        ["transfer=ledger"], max_length=64
    )
    """Who executes which kind of transaction: "kind=executor"; empty: no transactions are taken."""
    transaction_webhook_url: str = ""
    """Executor webhook: where transactions are posted."""
    transaction_webhook_secret_file: str = ""
    """Executor webhook: file with the secrets that they are signed by, readable by its owner only."""
    transaction_webhook_authority_file: str = ""
    """Executor webhook: PEM file of those that the receiver's certificate must come from; empty: the system's."""
    transaction_variants: list[CodeVariant] = Field(list(CodeVariant), min_length=1)
    """Variants of bindings that are taken."""
    open_transactions_per_terminal: int = Field(1000, ge=1, le=1_000_000)
    """Transactions of one terminal that are not over."""
    open_transactions_per_signer: int = Field(100, ge=1, le=1_000_000)
    """Those of them that one signer is to sign."""
    guard_name: AccountName = "guard"
    """Name of the guard against forged signers, as control messages name it."""
    guard_window_seconds: int = Field(600, ge=300, le=600)
    """Time within which two keys for one claim are a conflict."""
    guard_answer_seconds: int = Field(10, ge=1, le=600)
    """Time for which gateways are waited for, when they are told to block, and again when they are asked."""
    guard_announcements: int = Field(1_500_000, ge=16, le=100_000_000)
    """Keys of claims that a process remembers: 300 bytes of memory each."""
    guard_announcements_per_agent: int = Field(1000, ge=16, le=1_000_000)
    """Those of one agent."""
    guard_announcements_per_minute: int = Field(60_000, ge=100, le=100_000_000)
    """Announcements that a gateway may tell of."""
    guard_address: Annotated[str, AfterValidator(_check_optional_address)] = ""
    """Of a gateway: host:port of the server whose guard it works with; empty: none."""
    gateway_held_notices: int = Field(20_000, ge=1, le=10_000_000)
    """Of a gateway: notices that it holds, or has released and are not acknowledged; beyond them streams stop."""
    gateway_held_notices_per_mailbox: int = Field(2_000, ge=1, le=10_000_000)
    """Those of one mailbox."""
    gateway_quarantined_notices: int = Field(10_000, ge=1, le=10_000_000)
    """Of a gateway: notices that it keeps as evidence."""
    gateway_history_agents: int = Field(4_096, ge=1, le=1_000_000)
    """Of a gateway: agents that it remembers on either side."""
    gateway_history_facts_per_agent: int = Field(128, ge=1, le=100_000)
    """What it remembers of each: 1 KiB of memory each."""
    gateway_peers: list[Annotated[str, AfterValidator(_check_peer)]] = Field([], max_length=64)
    """Of a gateway: host:port of the others, which it asks where the guard is not there; the host is the name."""
    gateway_answer_seconds: int = Field(10, ge=1, le=600)
    """Of a gateway: time for which it waits for them."""
    sms_provider: Literal["none", "file", "webhook"] = "none"
    """Who passes on text messages with one-time codes."""
    sms_file: str = ""
    """Provider file: where messages are appended."""
    sms_webhook_url: str = ""
    """Provider webhook: where messages are posted."""
    sms_webhook_secret_file: str = ""
    """Provider webhook: file with the secrets that messages are signed by, readable by its owner only."""
    webauthn_rp_id: str = Field("localhost", min_length=1, max_length=253)
    """Host name by which security keys know this server."""
    webauthn_origins: list[str] = Field(["https://localhost"], min_length=1)
    """Origins of the software that talks to security keys."""
    health_interval_seconds: float = Field(5.0, gt=0)
    """Time between two checks of database, custody and journal."""
    shutdown_grace_seconds: float = Field(30.0, ge=0)
    """Time that calls in flight have to finish in at shutdown."""
    metrics_listen: Annotated[str, AfterValidator(_check_loopback)] = ""
    """Where metrics are shown by HTTP in the format of Prometheus, on this machine alone; empty: nowhere."""
    reflection: bool = False
    """Whether the server describes its services to whoever asks."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level of what is logged. The access log is of level info."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file before defaults."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _file.get())

    @model_validator(mode="after")
    def _check_together(self) -> Settings:
        if self.public_host not in self.server_names:
            raise ValueError("public_host must be one of server_names")
        if self.max_operations_per_caller > self.max_operations:
            raise ValueError("max_operations_per_caller must be at most max_operations")
        if self.tsa_url and not self.tsa_certificate_file:
            raise ValueError("tsa_url needs tsa_certificate_file")
        if self.custody == "pkcs11" and not (self.pkcs11_module and self.pkcs11_token):
            raise ValueError("custody pkcs11 needs pkcs11_module and pkcs11_token")
        posted = any(choice.endswith("=webhook") for choice in self.transaction_executors)
        if posted and not (self.transaction_webhook_url and self.transaction_webhook_secret_file):
            raise ValueError("the executor webhook needs transaction_webhook_url and transaction_webhook_secret_file")
        if self.sms_provider == "file" and not self.sms_file:
            raise ValueError("sms_provider file needs sms_file")
        if self.sms_provider == "webhook" and not (self.sms_webhook_url and self.sms_webhook_secret_file):
            raise ValueError("sms_provider webhook needs sms_webhook_url and sms_webhook_secret_file")
        return self

    @property
    def threads(self) -> int:
        """Threads of a process that exponentiate."""
        return self.worker_threads or max(1, len(os.sched_getaffinity(0)) // self.processes)

    def require_separable(self) -> None:
        """See that several processes are not to do what only one can.

        Raises:
            OperatorError: they are to relay.
        """
        if self.processes > 1 and not self.relay_address:
            raise OperatorError(
                "several processes cannot relay: what a relay has under way is in the memory of one",
                "Set a media server up (fourseal-server media init) and name it in relay_address, or run one process.",
            )


def load_settings(home: Path, **chosen: object) -> Settings:
    """Read the configuration of a home folder; without a file, the defaults and the environment.

    Args:
        home: the folder.
        chosen: settings that go before the environment and the file.

    Raises:
        OperatorError: the file cannot be read, or a value is unknown or out of its range.
    """
    path = home / CONFIG_NAME
    reading = _file.set(path)
    try:
        return Settings(**chosen)  # type: ignore[arg-type]  # pydantic checks them, and finds the others itself
    except ValidationError as error:
        problems = "; ".join(_problem(item["loc"], item["msg"]) for item in error.errors(include_input=False))
        raise OperatorError(f"the configuration is wrong: {problems}", f"Correct {path} or the environment.") from None
    except (ValueError, OSError) as error:  # not TOML, not readable
        raise OperatorError(f"the configuration {path} cannot be read: {error}", "Correct or remove it.") from None
    finally:
        _file.reset(reading)


def _problem(location: tuple[int | str, ...], message: str) -> str:
    name = ".".join(map(str, location))
    return f"{name}: {message}" if name else message
