"""Four-prime RSA for two parties: each holds an ordinary RSA key, the joint key is the product of their moduli.

Source: I. Damgard, G. L. Mikkelsen, T. Skeltved, "On the Security of Distributed Multiprime RSA", ICISC 2014, LNCS
8949, pages 18 to 33. Neither party alone can sign or decrypt; strength against either is that of one half.

Read in this order: ``roles``, ``public_share``, ``half``, ``key_share``, ``joint_key``; ``partials``, the one place
where a secret exponent is used; ``signing``, ``decryption`` with ``encodings``; ``certification``, ``generation``;
``own_key``: a half alone.
"""

from mpc.four_prime_rsa.algorithms import (
    HashAlgorithm,
    OaepParameters,
    SignatureAlgorithm,
    SignaturePadding,
    digest_of,
)
from mpc.four_prime_rsa.batch_gcd import find_shared_factors, shares_factor
from mpc.four_prime_rsa.certification import CERTIFICATION_ROOTS
from mpc.four_prime_rsa.decryption import (
    Ciphertext,
    PartialDecryption,
    combine_decryption,
    create_partial_decryption,
    parse_partial_decryption,
)
from mpc.four_prime_rsa.generation import (
    COMMITMENT_BYTES,
    ClientCommitment,
    GenerationTerms,
    Opening,
    answer_commitment,
    check_opening,
    commit_to_share,
    open_commitment,
)
from mpc.four_prime_rsa.half import DecryptionHalf, Half, SigningHalf
from mpc.four_prime_rsa.joint_key import JointPublicKey
from mpc.four_prime_rsa.key_share import (
    DecryptionShare,
    KeyShare,
    SigningShare,
    generate_key_share,
    load_key_share,
    try_key_share,
)
from mpc.four_prime_rsa.own_key import decrypt_alone, decrypt_by_half, own_private_key, sign_by_half
from mpc.four_prime_rsa.public_share import HALF_BITS, PUBLIC_EXPONENT, PublicShare, admit_foreign_share
from mpc.four_prime_rsa.roles import Purpose, Role
from mpc.four_prime_rsa.signing import (
    EncodedMessage,
    PartialSignature,
    check_joint_signature,
    combine_signature,
    create_partial_signature,
    create_partial_signatures,
    encode_digest,
    parse_partial_signature,
)

__all__ = [
    "CERTIFICATION_ROOTS",
    "COMMITMENT_BYTES",
    "HALF_BITS",
    "PUBLIC_EXPONENT",
    "Ciphertext",
    "ClientCommitment",
    "DecryptionHalf",
    "DecryptionShare",
    "EncodedMessage",
    "GenerationTerms",
    "Half",
    "HashAlgorithm",
    "JointPublicKey",
    "KeyShare",
    "OaepParameters",
    "Opening",
    "PartialDecryption",
    "PartialSignature",
    "PublicShare",
    "Purpose",
    "Role",
    "SignatureAlgorithm",
    "SignaturePadding",
    "SigningHalf",
    "SigningShare",
    "admit_foreign_share",
    "answer_commitment",
    "check_joint_signature",
    "check_opening",
    "combine_decryption",
    "combine_signature",
    "commit_to_share",
    "create_partial_decryption",
    "create_partial_signature",
    "create_partial_signatures",
    "decrypt_alone",
    "decrypt_by_half",
    "digest_of",
    "encode_digest",
    "find_shared_factors",
    "generate_key_share",
    "load_key_share",
    "open_commitment",
    "own_private_key",
    "parse_partial_decryption",
    "parse_partial_signature",
    "shares_factor",
    "sign_by_half",
    "try_key_share",
]
