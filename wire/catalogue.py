"""The catalogue of errors: one table of every reason that a caller can meet.

For each: the gRPC code, the public message (with the error's metadata filled in) and what to do. docs/errors.md is
made from it. How the codes are chosen: INVALID_ARGUMENT, the request can never work; UNAVAILABLE, repeat the same
request; ABORTED, start over; FAILED_PRECONDITION, somebody must act first; INTERNAL, a fault of ours that no input can
cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from grpc import StatusCode

from mpc.errors import FoursealError


@dataclass(frozen=True, slots=True)
class Entry:
    """One reason.

    Args:
        reason: stable name, UPPER_SNAKE.
        code: gRPC status code.
        message: for people; ``{name}`` stands for metadata.
        action: what the one who reads it can do.
    """

    reason: str
    code: StatusCode
    message: str
    action: str


class ServiceError(FoursealError):
    """An error of a service, raised with a reason of the catalogue and its metadata."""

    def __init__(self, reason: str, /, **metadata: str | int) -> None:
        super().__init__(reason, render(CATALOGUE[reason], metadata), **metadata)


def render(entry: Entry, metadata: dict[str, str | int]) -> str:
    """The public message of an entry, with what to do. A missing metadata name shows as a question mark."""
    filled = entry.message.format_map(_QuestionMarks(metadata))
    return f"{filled} {entry.action}"


class _QuestionMarks(dict[str, str | int]):
    def __missing__(self, name: str) -> str:
        return "?"


_INVALID = StatusCode.INVALID_ARGUMENT
_PRECONDITION = StatusCode.FAILED_PRECONDITION
_DENIED = StatusCode.PERMISSION_DENIED
_UNAVAILABLE = StatusCode.UNAVAILABLE

_CORRECT: Final = "Correct the request."
_REBUILD: Final = "Use a client library that follows docs/protocol.md."
_NEW_SHARE: Final = "Make a new share and start a new generation."
_FORMATS: Final = "See docs/formats.md."
_DISTRUST: Final = "Do not trust what came with it, and ask the operator."

_ENTRIES: Final = (
    # Requests as such
    Entry("REQUEST_MALFORMED", _INVALID, "The request is not a valid protobuf message.", _CORRECT),
    Entry("FIELD_INVALID", _INVALID, "The field {field} is invalid: {problem}.", _CORRECT),
    Entry("REQUEST_ID_MALFORMED", _INVALID, "request_id must be 16 to 64 characters of [A-Za-z0-9_-].", _CORRECT),
    Entry(
        "REQUEST_ID_REUSED",
        StatusCode.ALREADY_EXISTS,
        "This request_id was used before, for another request.",
        "Choose a new request_id for every new request.",
    ),
    Entry("KEY_ID_MALFORMED", _INVALID, 'A key id is "key-" and 26 characters of [a-z2-7].', _CORRECT),
    Entry("SESSION_ID_MALFORMED", _INVALID, 'A session id is "session-" and 26 characters of [a-z2-7].', _CORRECT),
    Entry("ENVELOPE_ID_MALFORMED", _INVALID, 'An envelope id is "envelope-" and 26 characters of [a-z2-7].', _CORRECT),
    Entry("AGENT_ID_MALFORMED", _INVALID, "An agent's name has 1 to 63 characters of [a-z0-9._-].", _CORRECT),
    Entry("PAGE_TOKEN_INVALID", _INVALID, "The page token is none of this list.", "Start at the first page."),
    Entry("BATCH_SIZE_WRONG", _INVALID, "A batch has 1 to {maximum} items, not {found}.", "Split the batch."),
    Entry(
        "DEADLINE_TOO_SHORT",
        StatusCode.DEADLINE_EXCEEDED,
        "The deadline leaves less than {minimum} seconds.",
        "Allow more time; nothing was done.",
    ),
    Entry(
        "DEADLINE_PASSED",
        StatusCode.DEADLINE_EXCEEDED,
        "The deadline passed before the answer was ready.",
        "Repeat with the same request_id: the work may have been done.",
    ),
    # Who calls
    Entry(
        "ENROLMENT_TOKEN_INVALID",
        StatusCode.UNAUTHENTICATED,
        "The enrolment token is unknown, used or expired.",
        "Ask the operator for a new ticket.",
    ),
    Entry(
        "CERTIFICATE_REQUEST_INVALID",
        _INVALID,
        "The certificate request is not PKCS#10 for an ECDSA P-256 key, signed by it.",
        _CORRECT,
    ),
    Entry(
        "CALLER_UNKNOWN",
        StatusCode.UNAUTHENTICATED,
        "The client certificate belongs to no agent of this server, or was replaced or revoked.",
        "Enrol again with a new ticket.",
    ),
    # Accounts, logins, certificates of signers
    Entry("ACCOUNT_EXISTS", StatusCode.ALREADY_EXISTS, "The name {name} is taken.", "Choose another name."),
    Entry("PASSWORD_UNSUITABLE", _INVALID, "The password cannot be used: {problem}.", "Choose another one."),
    Entry(
        "LOGIN_FAILED",
        StatusCode.UNAUTHENTICATED,
        "Name, password, second factor or code are not right, or the account cannot be used.",
        "Try again; after five failures in a row the account is locked for a time.",
    ),
    Entry(
        "ACCOUNT_LOCKED",
        StatusCode.RESOURCE_EXHAUSTED,
        "The account is locked after repeated failures, for {retry_seconds} seconds more.",
        "Wait that long. If it was not you who failed, tell the operator.",
    ),
    Entry(
        "LOGIN_REQUIRED",
        StatusCode.UNAUTHENTICATED,
        "This needs a login, and there is none, or it has ended or is another agent's.",
        "Log in.",
    ),
    Entry(
        "TOO_MANY_REGISTRATIONS",
        StatusCode.RESOURCE_EXHAUSTED,
        "{limit} accounts that were registered from this agent wait for their second factor.",
        "Confirm some first, or wait a day.",
    ),
    Entry(
        "FACTOR_NOT_OFFERED", _PRECONDITION, "This server offers no second factor of kind {kind}.", "Choose another."
    ),
    Entry("FACTOR_NOT_FOUND", StatusCode.NOT_FOUND, "The account has no such second factor.", "Look at the account."),
    Entry(
        "FACTOR_DAMAGED",
        StatusCode.DATA_LOSS,
        "What the server keeps of the second factor is damaged or was tampered with.",
        "Use another one, and tell the operator.",
    ),
    Entry("LAST_FACTOR", _PRECONDITION, "This is the account's last second factor.", "Add another one first."),
    Entry(
        "TOO_MANY_FACTORS",
        StatusCode.RESOURCE_EXHAUSTED,
        "The account has {limit} second factors.",
        "Remove one first.",
    ),
    Entry(
        "CODE_SENT_RECENTLY",
        StatusCode.RESOURCE_EXHAUSTED,
        "A code was sent less than a minute ago; another can be sent in {retry_seconds} seconds.",
        "Use that one, or wait.",
    ),
    Entry(
        "CODE_NOT_SENT",
        _UNAVAILABLE,
        "The code could not be sent.",
        "Try again in a minute, or use another second factor.",
    ),
    Entry(
        "POSSESSION_NOT_PROVEN",
        StatusCode.UNAUTHENTICATED,
        "The proof that you have the account's sign key does not hold.",
        "Begin the proof again, with the account's active certificates.",
    ),
    Entry("POSSESSION_MALFORMED", _INVALID, "The proof of possession is refused: {problem}.", _REBUILD),
    Entry("KEY_BINDING_MALFORMED", _INVALID, "The binding of the encrypt key is refused: {problem}.", _REBUILD),
    Entry(
        "PROOF_REQUIRED",
        _PRECONDITION,
        "This needs a login that has proved possession of the account's active certificates.",
        "Present them: BeginPossessionProof.",
    ),
    Entry(
        "CLOCK_DIFFERS",
        _PRECONDITION,
        "Your clock is {seconds} seconds off; {maximum} are allowed.",
        "Set the clock right.",
    ),
    Entry(
        "SIGNER_REQUEST_INVALID",
        _INVALID,
        "The request for signer certificates is refused: {problem}.",
        "Use a client library that follows docs/protocol.md.",
    ),
    Entry(
        "KEY_CERTIFIED_BEFORE",
        StatusCode.ALREADY_EXISTS,
        "The key for {purpose} stands in a certificate already.",
        "Make a new key for every certificate.",
    ),
    Entry("NO_CERTIFICATES", _PRECONDITION, "The account has no active certificates.", "Request some."),
    # Policy and state
    Entry("KEY_NOT_FOUND", StatusCode.NOT_FOUND, "You have no key {key_id}.", "List your keys."),
    Entry("KEY_DISABLED", _PRECONDITION, "The key {key_id} is disabled.", "Enable it first."),
    Entry(
        "KEY_DESTRUCTION_SCHEDULED",
        _PRECONDITION,
        "The key {key_id} is about to be destroyed.",
        "Cancel its destruction and enable it first.",
    ),
    Entry("KEY_DESTROYED", _PRECONDITION, "The key {key_id} was destroyed.", "Generate a new key."),
    Entry(
        "KEY_NOT_READY",
        _PRECONDITION,
        "The generation of key {key_id} is not finished.",
        "Finish the generation first.",
    ),
    Entry("KEY_ABORTED", _PRECONDITION, "The generation of key {key_id} was aborted: {cause}.", _NEW_SHARE),
    Entry(
        "KEY_STATE_WRONG",
        _PRECONDITION,
        "The key {key_id} is {state}; this change starts from another state.",
        "See the states in docs/operations.md.",
    ),
    Entry(
        "GENERATION_NOT_OPEN",
        _PRECONDITION,
        "The key {key_id} does not wait for this opening; it is {state}.",
        "Start a new generation.",
    ),
    Entry(
        "TOO_MANY_GENERATIONS",
        StatusCode.RESOURCE_EXHAUSTED,
        "You have {limit} generations that wait for their opening.",
        "Finish or abort some first.",
    ),
    Entry(
        "DESTRUCTION_NOT_DUE",
        _PRECONDITION,
        "The key {key_id} can be destroyed from {destroy_time} on.",
        "Wait until then, or cancel.",
    ),
    Entry(
        "ALGORITHM_NOT_ALLOWED",
        _DENIED,
        "The policy of key {key_id} does not allow {algorithm}.",
        "Use an algorithm of its policy.",
    ),
    Entry(
        "DAILY_LIMIT_REACHED",
        StatusCode.RESOURCE_EXHAUSTED,
        "The key {key_id} has reached its limit of {limit} operations a day.",
        "Wait until midnight UTC.",
    ),
    Entry("WRONG_PURPOSE", _DENIED, "This needs a key for {wanted}; this one is for {found}.", "Use another key."),
    Entry(
        "OVERLOADED",
        StatusCode.RESOURCE_EXHAUSTED,
        "The server has as much work as it takes.",
        "Repeat with the same request_id after the time in RetryInfo.",
    ),
    # Shares and generation
    Entry("HALF_BITS_WRONG", _INVALID, "A half has 2048, 3072 or 4096 bits, not {found}.", _CORRECT),
    Entry("PURPOSE_UNKNOWN", _INVALID, "No purpose has the number {found}.", _CORRECT),
    Entry("MODULUS_LENGTH_WRONG", _INVALID, "The modulus has {found} bytes, must have {expected}.", _REBUILD),
    Entry(
        "MODULUS_SIZE_WRONG", _INVALID, "The {culprit} modulus has {found} bits, another size was agreed.", _NEW_SHARE
    ),
    Entry("MODULUS_TOO_SMALL", _INVALID, "The {culprit} modulus would make the joint modulus short.", _NEW_SHARE),
    Entry("MODULUS_EVEN", _INVALID, "The {culprit} modulus is even.", _NEW_SHARE),
    Entry("EXPONENT_WRONG", _INVALID, "The {culprit} exponent is not 65537.", _NEW_SHARE),
    Entry("MODULUS_HAS_SMALL_FACTOR", _INVALID, "The {culprit} modulus has a prime factor below 2^16.", _NEW_SHARE),
    Entry("MODULUS_IS_POWER", _INVALID, "The {culprit} modulus is a power of a smaller number.", _NEW_SHARE),
    Entry("MODULUS_IS_PRIME", _INVALID, "The {culprit} modulus is prime.", _NEW_SHARE),
    Entry(
        "MODULUS_HAS_ROCA_FINGERPRINT",
        _INVALID,
        "The {culprit} modulus was made by a faulty generator (CVE-2017-15361).",
        "Replace that generator.",
    ),
    Entry("MODULUS_FACTORS_TOO_CLOSE", _INVALID, "The {culprit} modulus is split by Fermat's method.", _NEW_SHARE),
    Entry(
        "MODULUS_SHARES_PRIME",
        _INVALID,
        "The {culprit} modulus shares a prime with a modulus that was known before.",
        "Replace the generator that made it: it repeats itself.",
    ),
    Entry("MODULI_NOT_COPRIME", _INVALID, "The two moduli are equal or share a prime.", _NEW_SHARE),
    Entry("MODULI_TOO_CLOSE", _INVALID, "The two moduli are too close to each other.", _NEW_SHARE),
    Entry("HALF_SIZES_DIFFER", _INVALID, "The halves have {client} and {server} bits.", _NEW_SHARE),
    Entry("ROLES_MIXED_UP", _INVALID, "A joint key takes the client's share, then the server's.", _CORRECT),
    Entry("COMMITMENT_MALFORMED", _INVALID, "The commitment has {found} bytes, must have {expected}.", _REBUILD),
    Entry("NONCE_MALFORMED", _INVALID, "The commitment nonce has {found} bytes, must have {expected}.", _REBUILD),
    Entry(
        "COMMITMENT_NOT_OPENED",
        _INVALID,
        "The {culprit}'s modulus is not the one it committed to; the generation was aborted.",
        _NEW_SHARE,
    ),
    Entry("COMMITMENT_NOT_OURS", _INVALID, "The terms carry another commitment than ours.", _NEW_SHARE),
    Entry(
        "CERTIFICATION_MALFORMED", _INVALID, "A certification has nine roots, each as long as the modulus.", _REBUILD
    ),
    Entry("CERTIFICATION_INVALID", _INVALID, "The {culprit}'s proof of its modulus does not hold.", _NEW_SHARE),
    Entry("SHARE_OF_OTHER_KEY", _INVALID, "The share is no half of this key.", "Use the share of this key."),
    Entry(
        "SHARE_DAMAGED",
        StatusCode.DATA_LOSS,
        "A stored key share is damaged or was tampered with.",
        "Restore it from a backup.",
    ),
    # Signing and decryption
    Entry("ALGORITHM_UNKNOWN", _INVALID, "No algorithm has the number {found}.", _CORRECT),
    Entry("DIGEST_LENGTH_WRONG", _INVALID, "The digest has {found} bytes, the algorithm wants {expected}.", _CORRECT),
    Entry("SALT_LENGTH_WRONG", _INVALID, "The salt has {found} bytes, the algorithm wants {expected}.", _CORRECT),
    Entry("PARTIAL_MALFORMED", _INVALID, "A partial has {found} bytes, must have {expected}.", _REBUILD),
    Entry(
        "PARTIAL_SIGNATURE_INVALID",
        _INVALID,
        "The {culprit}'s partial signature does not hold for this digest, algorithm and salt.",
        "The server's share was not used. Check that the share is the one of this key.",
    ),
    Entry(
        "PARTIAL_DECRYPTION_INVALID",
        _INVALID,
        "The {culprit}'s partial decryption does not hold.",
        "Nothing was decrypted. Tell the operator.",
    ),
    Entry("PARTIALS_MISMATCHED", _INVALID, "The partials are not the two of this message.", _CORRECT),
    Entry(
        "JOINT_SIGNATURE_INVALID",
        _INVALID,
        "The {culprit}'s joint signature does not hold.",
        "It was thrown away. Tell the operator.",
    ),
    Entry(
        "CIPHERTEXT_MALFORMED",
        _INVALID,
        "The ciphertext is no number below the joint modulus, of exactly its length.",
        "Check that it was made with this key.",
    ),
    Entry("LABEL_TOO_LONG", _INVALID, "The OAEP label has {found} bytes, at most {maximum} are allowed.", _CORRECT),
    Entry(
        "DECRYPTION_FAILED",
        _INVALID,
        "The ciphertext could not be decrypted.",
        "Check key, hash, MGF hash and label.",
    ),
    # The agent
    Entry("AGENT_LOCKED", _PRECONDITION, "The signer agent is locked.", "Unlock it: fourseal agent unlock."),
    Entry("PASSPHRASE_WRONG", StatusCode.UNAUTHENTICATED, "The passphrase does not open the key store.", "Try again."),
    Entry(
        "PASSPHRASE_UNSUITABLE",
        _INVALID,
        "The passphrase cannot be used: {problem}.",
        "Choose one of 8 characters to 1024 bytes of UTF-8.",
    ),
    Entry("STORE_MISSING", _PRECONDITION, "There is no key store in {folder}.", "Make one: fourseal init."),
    Entry(
        "STORE_EXISTS",
        StatusCode.ALREADY_EXISTS,
        "There is a key store in {folder} already.",
        "Use it, or choose another folder with FOURSEAL_HOME.",
    ),
    Entry(
        "STORE_DAMAGED",
        StatusCode.DATA_LOSS,
        "The file {file} of the key store is damaged or was tampered with: {problem}.",
        "Restore it from a backup.",
    ),
    Entry(
        "STORE_PERMISSIONS",
        _PRECONDITION,
        "The key store is not yours alone: {file}: {problem}.",
        "Find out who could use it, then take the rights away: chmod -R go-rwx.",
    ),
    Entry(
        "STORE_UNUSABLE",
        _PRECONDITION,
        "The key store cannot be used: {file}: {problem}.",
        "Put that right, then repeat with the same request_id.",
    ),
    Entry(
        "MEMORY_MISSING",
        StatusCode.RESOURCE_EXHAUSTED,
        "There are no {mebibytes} MiB of memory, which opening the key store takes.",
        "Free some memory and try again.",
    ),
    Entry(
        "NOT_ENROLLED",
        _PRECONDITION,
        "The agent has no certificate of a server.",
        "Ask the operator for a ticket, then: fourseal enrol --ticket FILE.",
    ),
    Entry(
        "CERTIFICATE_EXPIRED",
        _PRECONDITION,
        "The agent's certificate expired on {expire_time}.",
        "Ask the operator for a new ticket, then: fourseal enrol --ticket FILE.",
    ),
    Entry(
        "SERVER_UNTRUSTED",
        _PRECONDITION,
        "What answers at {server} does not prove to be the server that the agent is enrolled with.",
        "Check the address; if the server is new, enrol again with a new ticket.",
    ),
    Entry(
        "SHARE_MISSING",
        _PRECONDITION,
        "The client share of key {key_id} is not in this key store.",
        "Use the key store that generated it.",
    ),
    Entry("LABEL_AMBIGUOUS", _INVALID, "Several keys have the label {label}.", "Name the key by its id."),
    Entry(
        "PLAINTEXT_TOO_LONG",
        _INVALID,
        "The plaintext has {found} bytes; at most {maximum} fit into one ciphertext of this key.",
        "Encrypt longer content with a content key, and that key with the joint public key.",
    ),
    Entry("SIGNATURE_INVALID", _INVALID, "The signature does not hold.", "Check file, key and algorithm."),
    Entry(
        "PRIVATE_KEY_DIVIDED",
        _PRECONDITION,
        "The private key of {key_id} exists nowhere in one piece.",
        "Use it through the agent; it cannot be taken out.",
    ),
    Entry(
        "LOOP_BLOCKED",
        _PRECONDITION,
        "A blocking call was made on the thread of the event loop that it needs.",
        "Make it in another thread: asyncio.to_thread.",
    ),
    Entry("AGENT_NOT_RUNNING", _UNAVAILABLE, "No signer agent runs in {folder}.", "Start it: fourseal agent start."),
    Entry(
        "AGENT_RUNNING",
        StatusCode.ALREADY_EXISTS,
        "A signer agent runs in {folder} already.",
        "Use it, or stop it: fourseal agent stop.",
    ),
    Entry(
        "AGENT_START_FAILED",
        _PRECONDITION,
        "The signer agent did not start: {problem}; its log is {log}.",
        "Put that right and start it again.",
    ),
    Entry("AGENT_CLOSED", _PRECONDITION, "The agent was closed.", "Open it again."),
    # The command line
    Entry("FILE_UNUSABLE", _INVALID, "The file {file} cannot be used: {problem}.", "Name another file."),
    Entry(
        "FILE_EXISTS",
        StatusCode.ALREADY_EXISTS,
        "The file {file} exists already.",
        "Name another with --out, or replace it with --force.",
    ),
    Entry(
        "TICKET_INVALID", _INVALID, "The ticket {file} cannot be used: {problem}.", "Ask the operator for a new one."
    ),
    Entry(
        "PUBLIC_KEY_INVALID",
        _INVALID,
        "The file {file} holds no RSA public key in PEM.",
        "Export one: fourseal key export.",
    ),
    Entry(
        "NOT_CONFIRMED",
        _PRECONDITION,
        "Nothing was done, for nobody agreed to it.",
        "Answer yes, or pass --yes where nobody can be asked.",
    ),
    Entry(
        "PASSPHRASE_MISSING",
        _PRECONDITION,
        "The key store's passphrase is needed, and nobody can be asked for it.",
        "Pass --passphrase-file, or set FOURSEAL_PASSPHRASE_FILE.",
    ),
    Entry(
        "ANSWER_MALFORMED",
        StatusCode.ABORTED,
        "The {culprit}'s answer does not have the form it must have: {problem}.",
        "It was thrown away. Tell the operator.",
    ),
    # Contract sessions: formats
    Entry("ARC_MALFORMED", _INVALID, "The arc is no object identifier in dotted form.", _CORRECT),
    Entry(
        "ACCOUNT_NAME_MALFORMED",
        _INVALID,
        "An account's name has 1 to 63 characters of [a-z0-9._-] and begins and ends with one of [a-z0-9].",
        _CORRECT,
    ),
    Entry("DISPLAY_NAME_MALFORMED", _INVALID, "A display name {problem}.", _CORRECT),
    Entry("SUBJECT_MALFORMED", _INVALID, "A session's subject {problem}.", _CORRECT),
    Entry("PLACE_MALFORMED", _INVALID, "A session's place is empty or a URI of at most 2000 characters.", _CORRECT),
    Entry("SESSION_ID_MALFORMED", _INVALID, "The session id is not one that a server makes.", _CORRECT),
    Entry("ENVELOPE_ID_MALFORMED", _INVALID, 'An envelope id is "envelope-" and 26 characters of [a-z2-7].', _CORRECT),
    Entry(
        "CONTENT_TYPE_MALFORMED",
        _INVALID,
        "A content type is a media type in lower case of at most 127 characters.",
        _CORRECT,
    ),
    Entry("FILE_NAME_MALFORMED", _INVALID, "A file name {problem}.", "Send the file under another name."),
    Entry("SESSION_INFO_MALFORMED", _INVALID, "The session info is refused: {problem}.", _FORMATS),
    Entry("STATEMENT_MALFORMED", _INVALID, "The statement is refused: {problem}.", _FORMATS),
    Entry("DESCRIPTION_MALFORMED", _INVALID, "The content description is refused: {problem}.", _FORMATS),
    Entry("ENVELOPE_MALFORMED", _INVALID, "The envelope's header is refused: {problem}.", _FORMATS),
    Entry("KEY_CIPHERTEXT_MALFORMED", _INVALID, "A key ciphertext is refused: {problem}.", _FORMATS),
    Entry("CERTIFICATE_MALFORMED", _INVALID, "The certificate is refused: {problem}.", _FORMATS),
    Entry("SIGNER_KEY_UNSUITABLE", _INVALID, "A signer cannot have this key to {purpose}.", "Make another key."),
    Entry(
        "KEY_IS_NO_HALF",
        _PRECONDITION,
        "The certificate's key is no RSA key, and makes no joint key.",
        "Use a session of the separate scheme, or request a certificate for an RSA key.",
    ),
    Entry("NOT_A_MEMBER", _PRECONDITION, "{name} is no member of this session now.", "See who is, and try again."),
    Entry(
        "NOT_A_RECIPIENT", _PRECONDITION, "{name} is no recipient of this message.", "Only its recipients can open it."
    ),
    Entry(
        "AUTHORITY_UNSUITABLE",
        _PRECONDITION,
        "This is not the certificate of an authority with an ECDSA key.",
        "Get the authority's certificate from the operator.",
    ),
    Entry("CERTIFICATE_NOT_ISSUED", _PRECONDITION, "The authority did not issue this certificate.", _DISTRUST),
    Entry("CERTIFICATE_OF_OTHER_USAGE", _PRECONDITION, "The certificate is for another use.", _DISTRUST),
    Entry(
        "CONTENT_DAMAGED",
        StatusCode.DATA_LOSS,
        "The sealed content does not open: it was damaged, or is of another message.",
        "Fetch it again; if that does not help, ask its author to send it again.",
    ),
    Entry(
        "CERTIFICATE_NOT_VALID",
        _PRECONDITION,
        "The certificate is not valid at this time.",
        "Request a new one, or look at the clock.",
    ),
    # Unavailable, and faults of ours
    Entry("SERVER_UNAVAILABLE", _UNAVAILABLE, "The server cannot be reached.", "Check address and network; repeat."),
    Entry(
        "FINISHED_MEANWHILE",
        _UNAVAILABLE,
        "The same request was finished meanwhile.",
        "Repeat with the same request_id to get its answer.",
    ),
    Entry("SHUTTING_DOWN", _UNAVAILABLE, "The server is shutting down.", "Repeat with the same request_id."),
    Entry(
        "STORAGE_UNAVAILABLE",
        _UNAVAILABLE,
        "The database cannot be read or written now.",
        "Repeat with the same request_id; the operator finds the cause in the log.",
    ),
    Entry(
        "CUSTODY_UNAVAILABLE",
        _UNAVAILABLE,
        "The server's key shares cannot be opened now.",
        "Repeat with the same request_id; the operator finds the cause in the log.",
    ),
    Entry(
        "FAULT_DETECTED",
        StatusCode.INTERNAL,
        "A result of the server failed its own check; nothing was released.",
        "Repeat with the same request_id. The operator must look at the machine.",
    ),
    Entry("UNEXPECTED", StatusCode.INTERNAL, "The server met a fault of its own.", "Tell the operator."),
)

CATALOGUE: Final = {entry.reason: entry for entry in _ENTRIES}
"""Every entry, by reason."""
