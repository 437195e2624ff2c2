"""``Agent``, for programs without asyncio: from many threads, and after its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from mpc.four_prime_rsa import SignatureAlgorithm
from signer_agent import Agent, DigestToSign, KeyChange, KeyState, SignedDigest
from signer_agent.home import Home
from tests.signer_agent.real import RealServer
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE

PSS = SignatureAlgorithm.PSS_SHA256


@pytest.fixture(scope="module")
def agent(server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """An open agent."""
    home = Home.find(tmp_path_factory.mktemp("blocking") / "agent")
    server.enrolled(home)
    with Agent.open(passphrase=PASSPHRASE, home=home.folder) as opened:
        yield opened


def test_the_first_signature_in_a_few_lines(agent: Agent) -> None:
    """As the package's own words show it."""
    key = agent.generate_key("sign", half_bits=2048)
    signature = agent.sign(key.key_id, b"document")
    chosen = PSS.to_cryptography_padding(), hashes.SHA256()
    key.public_key().verify(signature, b"document", *chosen)
    private_key = agent.private_key(key.key_id)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "joint")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(private_key, hashes.SHA256())
    assert request.is_signature_valid


def test_threads_share_an_agent(agent: Agent) -> None:
    """Eight at a time."""
    key = agent.generate_key("sign", half_bits=2048)
    with ThreadPoolExecutor(8) as threads:
        signatures = list(threads.map(lambda number: agent.sign(key.key_id, bytes([number])), range(32)))
    for number, signature in enumerate(signatures):
        chosen = PSS.to_cryptography_padding(), hashes.SHA256()
        key.public_key().verify(signature, bytes([number]), *chosen)


def test_everything_else_is_there_too(agent: Agent) -> None:
    """Each method once; what they do is tested with ``AsyncAgent``."""
    key = agent.generate_key("sign", half_bits=2048, label="everything")
    assert agent.state().agent_id
    assert agent.get_key("everything") == key
    assert key in agent.list_keys()
    assert agent.list_key_page(1).next_page_token
    (outcome,) = agent.sign_digests([DigestToSign("everything", PSS, bytes(32))])
    assert isinstance(outcome, SignedDigest)
    items = [DigestToSign("everything", PSS, bytes([number]) * 32) for number in range(3)]
    assert [(each.index, type(each.outcome)) for each in agent.sign_many(items)] == [
        (number, SignedDigest) for number in range(3)
    ]
    assert len(agent.sign_digest("everything", bytes(32))) == 512
    assert agent.rekey("everything").replaces_key_id == key.key_id
    assert agent.change_key("everything", KeyChange.DISABLE).state is KeyState.DISABLED
    with refused("WRONG_PURPOSE"):
        agent.decrypt("everything", bytes(512))


def test_a_closed_agent_says_so(server: RealServer, home: Home) -> None:
    """Also through a private key that it gave; its thread is gone; closing again is nothing."""
    server.enrolled(home)
    before = loops()
    agent = Agent.open(passphrase=PASSPHRASE, home=home.folder)
    private_key = agent.private_key(agent.generate_key("sign", half_bits=2048).key_id)
    assert len(loops()) == len(before) + 1
    agent.close()
    agent.close()
    assert loops() == before
    with refused("AGENT_CLOSED"):
        agent.list_keys()
    with refused("AGENT_CLOSED"):
        private_key.sign(b"x", PSS.to_cryptography_padding(), hashes.SHA256())


def loops() -> list[threading.Thread]:
    """The threads with an agent's event loop."""
    return [thread for thread in threading.enumerate() if thread.name == "fourseal-loop"]


def test_an_agent_that_cannot_be_opened_leaves_no_thread(home: Home) -> None:
    """Neither for want of a key store nor of a daemon."""
    before = loops()
    with refused("STORE_MISSING"):
        Agent.open(passphrase=PASSPHRASE, home=home.folder)
    with refused("AGENT_NOT_RUNNING"):
        Agent.connect(home=home.folder)
    assert loops() == before
