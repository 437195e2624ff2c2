"""Joint keys: policy, shares, generation, signing and decryption."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import CORRECT, DENIED, INVALID, NEW_SHARE, PRECONDITION, REBUILD, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    # Policy and state
    Entry("KEY_NOT_FOUND", StatusCode.NOT_FOUND, "You have no key {key_id}.", "List your keys."),
    Entry("KEY_DISABLED", PRECONDITION, "The key {key_id} is disabled.", "Enable it first."),
    Entry(
        "KEY_DESTRUCTION_SCHEDULED",
        PRECONDITION,
        "The key {key_id} is about to be destroyed.",
        "Cancel its destruction and enable it first.",
    ),
    Entry("KEY_DESTROYED", PRECONDITION, "The key {key_id} was destroyed.", "Generate a new key."),
    Entry(
        "KEY_REPLACED",
        PRECONDITION,
        "The key {key_id} was replaced by {replaced_by_key_id}.",
        "Use that key.",
    ),
    Entry(
        "KEY_NOT_READY",
        PRECONDITION,
        "The generation of key {key_id} is not finished.",
        "Finish the generation first.",
    ),
    Entry("KEY_ABORTED", PRECONDITION, "The generation of key {key_id} was aborted: {cause}.", NEW_SHARE),
    Entry(
        "KEY_STATE_WRONG",
        PRECONDITION,
        "The key {key_id} is {state}; this change starts from another state.",
        "See the states in docs/operations.md.",
    ),
    Entry(
        "GENERATION_NOT_OPEN",
        PRECONDITION,
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
        PRECONDITION,
        "The key {key_id} can be destroyed from {destroy_time} on.",
        "Wait until then, or cancel.",
    ),
    Entry(
        "ALGORITHM_NOT_ALLOWED",
        DENIED,
        "The policy of key {key_id} does not allow {algorithm}.",
        "Use an algorithm of its policy.",
    ),
    Entry(
        "DAILY_LIMIT_REACHED",
        StatusCode.RESOURCE_EXHAUSTED,
        "The key {key_id} has reached its limit of {limit} operations a day.",
        "Wait until midnight UTC.",
    ),
    Entry("WRONG_PURPOSE", DENIED, "This needs a key for {wanted}; this one is for {found}.", "Use another key."),
    Entry(
        "OVERLOADED",
        StatusCode.RESOURCE_EXHAUSTED,
        "The server has as much work as it takes, at all or from one caller.",
        "Repeat with the same request_id after the time in RetryInfo.",
    ),
    # Shares and generation
    Entry("HALF_BITS_WRONG", INVALID, "A half has 2048, 3072 or 4096 bits, not {found}.", CORRECT),
    Entry("PURPOSE_UNKNOWN", INVALID, "No purpose has the number {found}.", CORRECT),
    Entry("MODULUS_LENGTH_WRONG", INVALID, "The modulus has {found} bytes, must have {expected}.", REBUILD),
    Entry("MODULUS_SIZE_WRONG", INVALID, "The {culprit} modulus has {found} bits, another size was agreed.", NEW_SHARE),
    Entry("MODULUS_TOO_SMALL", INVALID, "The {culprit} modulus would make the joint modulus short.", NEW_SHARE),
    Entry("MODULUS_EVEN", INVALID, "The {culprit} modulus is even.", NEW_SHARE),
    Entry("EXPONENT_WRONG", INVALID, "The {culprit} exponent is not 65537.", NEW_SHARE),
    Entry("MODULUS_HAS_SMALL_FACTOR", INVALID, "The {culprit} modulus has a prime factor below 2^16.", NEW_SHARE),
    Entry("MODULUS_IS_POWER", INVALID, "The {culprit} modulus is a power of a smaller number.", NEW_SHARE),
    Entry("MODULUS_IS_PRIME", INVALID, "The {culprit} modulus is prime.", NEW_SHARE),
    Entry(
        "MODULUS_HAS_ROCA_FINGERPRINT",
        INVALID,
        "The {culprit} modulus was made by a faulty generator (CVE-2017-15361).",
        "Replace that generator.",
    ),
    Entry("MODULUS_FACTORS_TOO_CLOSE", INVALID, "The {culprit} modulus is split by Fermat's method.", NEW_SHARE),
    Entry(
        "MODULUS_SHARES_PRIME",
        INVALID,
        "The {culprit} modulus shares a prime with a modulus that was known before.",
        "Replace the generator that made it: it repeats itself.",
    ),
    Entry("MODULI_NOT_COPRIME", INVALID, "The two moduli are equal or share a prime.", NEW_SHARE),
    Entry("MODULI_TOO_CLOSE", INVALID, "The two moduli are too close to each other.", NEW_SHARE),
    Entry("HALF_SIZES_DIFFER", INVALID, "The halves have {client} and {server} bits.", NEW_SHARE),
    Entry("ROLES_MIXED_UP", INVALID, "A joint key takes the client's share, then the server's.", CORRECT),
    Entry("COMMITMENT_MALFORMED", INVALID, "The commitment has {found} bytes, must have {expected}.", REBUILD),
    Entry("NONCE_MALFORMED", INVALID, "The commitment nonce has {found} bytes, must have {expected}.", REBUILD),
    Entry(
        "COMMITMENT_NOT_OPENED",
        INVALID,
        "The {culprit}'s modulus is not the one it committed to; the generation was aborted.",
        NEW_SHARE,
    ),
    Entry("COMMITMENT_NOT_OURS", INVALID, "The terms carry another commitment than ours.", NEW_SHARE),
    Entry(
        "CERTIFICATION_MALFORMED",
        INVALID,
        "A certification has nine roots, or eight of a server's token, each as long as the modulus.",
        REBUILD,
    ),
    Entry(
        "REKEY_DIFFERS",
        INVALID,
        "The key to be replaced is one to {purpose}, with halves of {half_bits} bits; so must the new one be.",
        "Ask for that purpose and size, or generate a key that replaces none.",
    ),
    Entry(
        "CLIENT_MODULUS_OTHER",
        INVALID,
        "The {culprit}'s modulus is not the one of the key that is to be replaced; the generation was aborted.",
        "Bring the share of that key, or generate a key that replaces none.",
    ),
    Entry("CERTIFICATION_INVALID", INVALID, "The {culprit}'s proof of its modulus does not hold.", NEW_SHARE),
    Entry("SHARE_OF_OTHER_KEY", INVALID, "The share is no half of this key.", "Use the share of this key."),
    Entry(
        "SHARE_DAMAGED",
        StatusCode.DATA_LOSS,
        "A stored key share is damaged or was tampered with.",
        "Restore it from a backup.",
    ),
    # Signing and decryption
    Entry("ALGORITHM_UNKNOWN", INVALID, "No algorithm has the number {found}.", CORRECT),
    Entry("DIGEST_LENGTH_WRONG", INVALID, "The digest has {found} bytes, the algorithm wants {expected}.", CORRECT),
    Entry("SALT_LENGTH_WRONG", INVALID, "The salt has {found} bytes, the algorithm wants {expected}.", CORRECT),
    Entry("PARTIAL_MALFORMED", INVALID, "A partial has {found} bytes, must have {expected}.", REBUILD),
    Entry(
        "PARTIAL_SIGNATURE_INVALID",
        INVALID,
        "The {culprit}'s partial signature does not hold for this digest, algorithm and salt.",
        "The server's share was not used. Check that the share is the one of this key.",
    ),
    Entry(
        "PARTIAL_DECRYPTION_INVALID",
        INVALID,
        "The {culprit}'s partial decryption does not hold.",
        "Nothing was decrypted. Tell the operator.",
    ),
    Entry("PARTIALS_MISMATCHED", INVALID, "The partials are not the two of this message.", CORRECT),
    Entry(
        "JOINT_SIGNATURE_INVALID",
        INVALID,
        "The {culprit}'s joint signature does not hold.",
        "It was thrown away. Tell the operator.",
    ),
    Entry(
        "CIPHERTEXT_MALFORMED",
        INVALID,
        "The ciphertext is no number below the joint modulus, of exactly its length.",
        "Check that it was made with this key.",
    ),
    Entry("LABEL_TOO_LONG", INVALID, "The OAEP label has {found} bytes, at most {maximum} are allowed.", CORRECT),
    Entry(
        "DECRYPTION_FAILED",
        INVALID,
        "The ciphertext could not be decrypted.",
        "Check key, hash, MGF hash and label.",
    ),
)
