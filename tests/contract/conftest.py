"""People and sessions that many tests use: made once a session, for their keys are what costs time."""

from __future__ import annotations

import pytest

from contract.session_info import Scheme
from mpc.four_prime_rsa import DecryptionShare, Role, SigningShare
from tests.contract.pades.signers import JointSigner, joint_signer
from tests.contract.world import Issuer, Person, World, half_person, session_info, smart_card_people
from tests.mpc.parties import Signers, decryption_share, signing_share


@pytest.fixture(scope="session")
def authority() -> Issuer:
    """The authority that everybody knows."""
    return Issuer()


@pytest.fixture(scope="session")
def alice(authority: Issuer) -> Person:
    """A signer with halves."""
    return half_person(authority, "alice", signing_share(Role.CLIENT), decryption_share(Role.CLIENT))


@pytest.fixture(scope="session")
def bob(authority: Issuer) -> Person:
    """Another signer with halves."""
    return half_person(authority, "bob", signing_share(Role.CLIENT), decryption_share(Role.CLIENT))


@pytest.fixture(scope="session")
def session_signing_share() -> SigningShare:
    """A session's."""
    return signing_share(Role.SERVER)


@pytest.fixture(scope="session")
def session_decryption_share() -> DecryptionShare:
    """A session's."""
    return decryption_share(Role.SERVER)


@pytest.fixture(scope="session")
def joint(
    authority: Issuer,
    alice: Person,
    bob: Person,
    session_signing_share: SigningShare,
    session_decryption_share: DecryptionShare,
) -> World:
    """A session of Alice and Bob in the joint scheme."""
    people = (alice, bob)
    info = session_info(Scheme.JOINT, people, ("dora",))
    return World(authority, info, session_signing_share, session_decryption_share, people)


@pytest.fixture(scope="session")
def separate(
    authority: Issuer,
    alice: Person,
    session_signing_share: SigningShare,
    session_decryption_share: DecryptionShare,
) -> World:
    """A session of Alice, Bob and Carol in the separate scheme, each with keys of another kind.

    It has the shares of ``joint``, which no two real sessions have: what is told apart is told apart by the formats.
    """
    people = smart_card_people(authority, alice)
    info = session_info(Scheme.SEPARATE, people)
    return World(authority, info, session_signing_share, session_decryption_share, people)


@pytest.fixture(scope="session")
def pdf_alice(authority: Issuer) -> JointSigner:
    """A signer with a joint key."""
    return joint_signer(authority, "alice", Signers(signing_share(Role.CLIENT), signing_share(Role.SERVER)))


@pytest.fixture(scope="session")
def pdf_bob(authority: Issuer) -> JointSigner:
    """Another one, with a Chinese name."""
    keys = Signers(signing_share(Role.CLIENT), signing_share(Role.SERVER))
    return joint_signer(authority, "bob", keys, "鲍勃")
