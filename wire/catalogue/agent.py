"""What the signer agent and its command line refuse by themselves."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import INVALID, PRECONDITION, UNAVAILABLE, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    # The agent
    Entry("AGENT_LOCKED", PRECONDITION, "The signer agent is locked.", "Unlock it: fourseal agent unlock."),
    Entry("PASSPHRASE_WRONG", StatusCode.UNAUTHENTICATED, "The passphrase does not open the key store.", "Try again."),
    Entry(
        "PASSPHRASE_UNSUITABLE",
        INVALID,
        "The passphrase cannot be used: {problem}.",
        "Choose one of 8 characters to 1024 bytes of UTF-8.",
    ),
    Entry("STORE_MISSING", PRECONDITION, "There is no key store in {folder}.", "Make one: fourseal init."),
    Entry(
        "STORE_NOT_OPEN",
        PRECONDITION,
        "Only the daemon in {folder} has the key store open, and contract sessions want it open in this process.",
        "Open it with its passphrase, beside the daemon: Agent.open or AsyncAgent.open.",
    ),
    Entry(
        "STORE_EXISTS",
        StatusCode.ALREADY_EXISTS,
        "There is a key store in {folder} already.",
        "Use it, or choose another folder with FOURSEAL_HOME.",
    ),
    Entry(
        "STORE_DAMAGED",
        StatusCode.DATA_LOSS,
        "The file {file} is damaged or was tampered with: {problem}.",
        "Restore it from a backup.",
    ),
    Entry(
        "STORE_PERMISSIONS",
        PRECONDITION,
        "What must be yours alone is not: {file}: {problem}.",
        "Find out who could use it, then take the rights away: chmod -R go-rwx.",
    ),
    Entry(
        "STORE_UNUSABLE",
        PRECONDITION,
        "The folder of what is kept cannot be used: {file}: {problem}.",
        "Put that right, then repeat with the same request_id.",
    ),
    Entry(
        "MEMORY_MISSING",
        StatusCode.RESOURCE_EXHAUSTED,
        "There are no {mebibytes} MiB of memory, which opening the key store takes.",
        "Free some memory and try again.",
    ),
    Entry(
        "SETTING_INVALID",
        PRECONDITION,
        "The environment variable {variable} is not {wanted}.",
        "Set it right, or take it away.",
    ),
    Entry(
        "NOT_ENROLLED",
        PRECONDITION,
        "The agent has no certificate of a server.",
        "Ask the operator for a ticket, and enrol with it: enrol --ticket FILE.",
    ),
    Entry(
        "CERTIFICATE_EXPIRED",
        PRECONDITION,
        "The agent's certificate expired on {expire_time}.",
        "Ask the operator for a new ticket, and enrol with it: enrol --ticket FILE.",
    ),
    Entry(
        "SERVER_UNTRUSTED",
        PRECONDITION,
        "What answers at {server} does not prove to be the server that the agent is enrolled with.",
        "Check the address; if the server is new, enrol again with a new ticket.",
    ),
    Entry(
        "SHARE_MISSING",
        PRECONDITION,
        "The client share of key {key_id} is not in this key store.",
        "Use the key store that generated it; for a key that was replaced, the new key.",
    ),
    Entry("LABEL_AMBIGUOUS", INVALID, "Several keys have the label {label}.", "Name the key by its id."),
    Entry(
        "PLAINTEXT_TOO_LONG",
        INVALID,
        "The plaintext has {found} bytes; at most {maximum} fit into one ciphertext of this key.",
        "Encrypt longer content with a content key, and that key with the joint public key.",
    ),
    Entry("SIGNATURE_INVALID", INVALID, "The signature does not hold.", "Check file, key and algorithm."),
    Entry(
        "PRIVATE_KEY_DIVIDED",
        PRECONDITION,
        "The private key of {key_id} exists nowhere in one piece.",
        "Use it through the agent; it cannot be taken out.",
    ),
    Entry(
        "LOOP_BLOCKED",
        PRECONDITION,
        "A blocking call was made on the thread of the event loop that it needs.",
        "Make it in another thread: asyncio.to_thread.",
    ),
    Entry(
        "ENGINE_UNAVAILABLE",
        PRECONDITION,
        "The engine {engine} is not available here, because {cause}.",
        "Choose another engine, or install what it needs.",
    ),
    Entry("AGENT_NOT_RUNNING", UNAVAILABLE, "No signer agent runs in {folder}.", "Start it: fourseal agent start."),
    Entry(
        "AGENT_RUNNING",
        StatusCode.ALREADY_EXISTS,
        "A signer agent runs in {folder} already.",
        "Use it, or stop it: fourseal agent stop.",
    ),
    Entry(
        "AGENT_START_FAILED",
        PRECONDITION,
        "The signer agent did not start: {problem}; its log is {log}.",
        "Put that right and start it again.",
    ),
    Entry("AGENT_CLOSED", PRECONDITION, "The agent was closed.", "Open it again."),
    # The command line
    Entry("FILE_UNUSABLE", INVALID, "The file {file} cannot be used: {problem}.", "Name another file."),
    Entry(
        "FILE_EXISTS",
        StatusCode.ALREADY_EXISTS,
        "The file {file} exists already.",
        "Name another one, or replace it with --force.",
    ),
    Entry("TICKET_INVALID", INVALID, "The ticket {file} cannot be used: {problem}.", "Ask the operator for a new one."),
    Entry(
        "PUBLIC_KEY_INVALID",
        INVALID,
        "The file {file} holds no RSA public key in PEM.",
        "Export one: fourseal key export.",
    ),
    Entry(
        "NOT_CONFIRMED",
        PRECONDITION,
        "Nothing was done, for nobody agreed to it.",
        "Answer yes, or pass --yes where nobody can be asked.",
    ),
    Entry(
        "PASSPHRASE_MISSING",
        PRECONDITION,
        "The key store's passphrase is needed, and nobody can be asked for it.",
        "Pass --passphrase-file, or set FOURSEAL_PASSPHRASE_FILE.",
    ),
    Entry(
        "ANSWER_MALFORMED",
        StatusCode.ABORTED,
        "The {culprit}'s answer does not have the form it must have: {problem}.",
        "It was thrown away. Tell the operator.",
    ),
    # Accounts and contract sessions at the agent
    Entry(
        "SIGNER_KEYS_MISSING",
        PRECONDITION,
        "This key store has no signer keys in use of the account {name}.",
        "Make some: fourseal certificates renew; or use the key store that has them.",
    ),
    Entry(
        "SIGNER_CERTIFICATE_EXPIRED",
        PRECONDITION,
        "The account's certificates expired on {expire_time}.",
        "Make a new pair: fourseal certificates renew.",
    ),
    Entry(
        "PASSWORD_MISSING",
        PRECONDITION,
        "The account's password is needed, and nobody can be asked for it.",
        "Pass --password-file.",
    ),
    Entry(
        "CODE_MISSING",
        PRECONDITION,
        "The answer to the second factor is needed, and nobody can be asked for it.",
        "Pass --code, or write the code to standard input; for WebAuthn pass --response.",
    ),
    Entry(
        "SERVER_NOT_PROVEN",
        StatusCode.ABORTED,
        "The server did not prove who it is: {problem}.",
        "Nothing was signed for it. Tell the operator.",
    ),
    Entry(
        "CONTACT_CHANGED",
        PRECONDITION,
        "{name} has another certificate ({found}) than before ({known}).",
        "Ask for the fingerprint by another way; if it is right: fourseal contacts accept.",
    ),
    Entry(
        "CONTACT_UNKNOWN",
        StatusCode.NOT_FOUND,
        "Nothing of that kind is known of {name}.",
        "See fourseal contacts list.",
    ),
    Entry(
        "CERTIFICATE_NOT_OURS",
        StatusCode.ABORTED,
        "The server sent a certificate for another key or account.",
        "It was thrown away. Tell the operator.",
    ),
    Entry(
        "SESSION_FACTS_CHANGED",
        StatusCode.ABORTED,
        "The server contradicts what is proved of the session: {problem}.",
        "Do not sign anything in it. Tell the operator.",
    ),
    Entry(
        "SESSION_ROLLED_BACK",
        StatusCode.ABORTED,
        "The server shows an older session than before: {problem}.",
        "Do not sign anything in it. Tell the operator.",
    ),
    Entry(
        "MEMBER_CERTIFICATE_WRONG",
        StatusCode.ABORTED,
        "The server shows wrong certificates of a member: {problem}.",
        "Do not sign anything in the session. Tell the operator.",
    ),
    Entry(
        "MEMBER_REVOKED",
        PRECONDITION,
        "The certificates of {name} were revoked.",
        "The creator of the session can remove a member, who can be invited again with new ones.",
    ),
    Entry(
        "MEMBER_EXPIRED",
        PRECONDITION,
        "The certificates of {name} have expired.",
        "Name the other recipients. The creator of the session can remove a member, who can be invited again with new "
        "ones.",
    ),
    Entry(
        "REVOCATION_LIST_OLD",
        StatusCode.ABORTED,
        "The server's list of revoked certificates is not of now.",
        "Look at the clock; else tell the operator.",
    ),
)
