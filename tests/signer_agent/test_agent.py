"""What an agent can do, with a real server: the same in process and over a daemon's socket."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import NameOID

from mpc.errors import DecryptionFailed, FoursealError
from mpc.four_prime_rsa import HashAlgorithm, OaepParameters, Purpose, SignatureAlgorithm
from signer_agent.client.agent import LocalAgent
from signer_agent.daemon.client import DaemonAgent
from signer_agent.home import Home
from signer_agent.interface import AsyncAgent
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from signer_agent.model import AgentKey, DigestToSign, KeyChange, KeyState, SignedDigest
from tests.signer_agent.real import RealServer, running_daemon
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE
from wire.ids import new_key_id, new_request_id

pytestmark = pytest.mark.full_cost

PSS = SignatureAlgorithm.PSS_SHA256
OAEP = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256)
DIGEST = bytes(range(32))


@pytest.fixture(scope="module")
def home(server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """An enrolled agent with a running daemon."""
    place = Home.find(tmp_path_factory.mktemp("agent") / "home")
    server.enrolled(place)
    with running_daemon(place):
        yield place


@pytest.fixture(scope="module")
def opened(home: Home) -> KeyStore:
    """Its key store."""
    return KeyStore.open(home, Passphrase(PASSPHRASE))


@pytest.fixture(params=["in process", "over the socket"])
async def agent(request: pytest.FixtureRequest, home: Home, opened: KeyStore) -> AsyncIterator[AsyncAgent]:
    """The agent, either way."""
    made = LocalAgent(opened) if request.param == "in process" else DaemonAgent(home)
    yield made
    await made.close()


@pytest.fixture
async def signing(agent: AsyncAgent) -> AgentKey:
    """A key that signs, the same for all tests."""
    return await agent.generate_key("sign", half_bits=2048, label="contracts", request_id="the-signing-key-of-all")


@pytest.fixture
async def decrypting(agent: AsyncAgent) -> AgentKey:
    """A key that decrypts, the same for all tests."""
    return await agent.generate_key("decrypt", half_bits=2048, label="letters", request_id="the-decryption-key-of-all")


async def test_the_agent_says_how_it_is(agent: AsyncAgent, opened: KeyStore) -> None:
    """Open, enrolled, with its server."""
    state = await agent.state()
    identity = opened.identity()
    assert identity is not None
    assert (state.locked, state.agent_id, state.server_address) == (
        False,
        identity.agent_id,
        identity.server_address,
    )


@pytest.mark.parametrize("half_bits", [2048, 3072])
async def test_a_generated_key_is_what_was_asked_for(agent: AsyncAgent, half_bits: int) -> None:
    """With its policy and label; the steps are told; it can be fetched by id."""
    steps: list[str] = []
    key = await agent.generate_key(
        Purpose.SIGN,
        half_bits=half_bits,
        algorithms=[PSS, SignatureAlgorithm.PKCS1_SHA512],
        daily_limit=7,
        label="Vertr\u00e4ge \u5408\u540c",
        on_step=steps.append,
    )
    assert (key.purpose, key.state, key.half_bits, key.daily_limit) == (Purpose.SIGN, KeyState.ENABLED, half_bits, 7)
    assert set(key.algorithms) == {PSS, SignatureAlgorithm.PKCS1_SHA512}
    assert (key.label, key.destroy_time) == ("Vertr\u00e4ge \u5408\u540c", None)
    assert key.public_key().key_size == 2 * half_bits
    assert len(steps) >= 4
    assert await agent.get_key(key.key_id) == key
    assert key in await agent.list_keys()


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
async def test_signatures_hold(agent: AsyncAgent, signing: AgentKey, algorithm: SignatureAlgorithm) -> None:
    """By every algorithm, of a document or its digest, by id or label; judged by OpenSSL."""
    document = b"I sell you my bicycle."
    digest = hashlib.new(algorithm.hash, document).digest()
    signatures = [
        await agent.sign("contracts", document, algorithm),
        await agent.sign_digest(signing.key_id, digest, algorithm),
    ]
    chosen = Prehashed(algorithm.hash.to_cryptography())
    for signature in signatures:
        signing.public_key().verify(signature, digest, algorithm.to_cryptography_padding(), chosen)


async def test_a_repeated_request_has_the_same_signature(agent: AsyncAgent, signing: AgentKey) -> None:
    """By its request id; another digest under it is refused."""
    request_id = new_request_id()
    first = await agent.sign_digest(signing.key_id, DIGEST, request_id=request_id)
    assert await agent.sign_digest(signing.key_id, DIGEST, request_id=request_id) == first
    assert await agent.sign_digest(signing.key_id, DIGEST) != first
    with refused("REQUEST_ID_REUSED"):
        await agent.sign_digest(signing.key_id, DIGEST[::-1], request_id=request_id)


async def test_many_signatures_at_a_time(agent: AsyncAgent, signing: AgentKey) -> None:
    """Concurrent calls do not disturb each other."""
    digests = [hashlib.sha256(bytes([number])).digest() for number in range(40)]
    signatures = await asyncio.gather(*(agent.sign_digest(signing.key_id, digest) for digest in digests))
    for digest, signature in zip(digests, signatures, strict=True):
        signing.public_key().verify(signature, digest, PSS.to_cryptography_padding(), Prehashed(hashes.SHA256()))


async def test_a_batch_has_an_outcome_for_each_item(agent: AsyncAgent, signing: AgentKey, decrypting: AgentKey) -> None:
    """What fails here or at the server touches no other item."""
    items = [
        DigestToSign(signing.key_id, PSS, DIGEST),
        DigestToSign("nobody", PSS, DIGEST),
        DigestToSign(new_key_id(), PSS, DIGEST),
        DigestToSign(decrypting.key_id, PSS, DIGEST),
        DigestToSign("contracts", PSS, DIGEST[:-1]),
        DigestToSign("contracts", PSS, DIGEST),
    ]
    outcomes = await agent.sign_digests(items)
    found = [outcome.reason if isinstance(outcome, FoursealError) else outcome.key_id for outcome in outcomes]
    wrong = ["KEY_NOT_FOUND", "SHARE_MISSING", "WRONG_PURPOSE", "DIGEST_LENGTH_WRONG"]
    assert found == [signing.key_id, *wrong, signing.key_id]
    for outcome in (outcomes[0], outcomes[-1]):
        assert isinstance(outcome, SignedDigest)
        chosen = PSS.to_cryptography_padding(), Prehashed(hashes.SHA256())
        signing.public_key().verify(outcome.signature, DIGEST, *chosen)
    assert [type(outcome) for outcome in await agent.sign_digests(items[1:2])] != [SignedDigest]


async def test_any_number_of_signatures(agent: AsyncAgent, signing: AgentKey) -> None:
    """Each with its outcome, in order; more than go in one call, and none."""
    digests = [hashlib.sha256(bytes([number])).digest() for number in range(150)]
    items = [DigestToSign("contracts", PSS, digest) for digest in digests]
    items[70] = DigestToSign(new_key_id(), PSS, DIGEST)
    results = [result async for result in agent.sign_many(iter(items))]
    assert [each.item for each in results] == items
    assert {each.index: each.outcome.reason for each in results if isinstance(each.outcome, FoursealError)} == {
        70: "SHARE_MISSING"
    }
    (first, *_) = results
    assert isinstance(first.outcome, SignedDigest)
    chosen = PSS.to_cryptography_padding(), Prehashed(hashes.SHA256())
    signing.public_key().verify(first.outcome.signature, digests[0], *chosen)
    assert [result async for result in agent.sign_many(())] == []


@pytest.mark.parametrize("count", [0, 257])
async def test_a_batch_has_its_limits(agent: AsyncAgent, signing: AgentKey, count: int) -> None:
    """1 to 256."""
    with refused("BATCH_SIZE_WRONG", found=str(count)):
        await agent.sign_digests([DigestToSign(signing.key_id, PSS, DIGEST)] * count)


async def test_a_ciphertext_is_decrypted(agent: AsyncAgent, decrypting: AgentKey) -> None:
    """With label and other hashes too."""
    other = OaepParameters(HashAlgorithm.SHA512, HashAlgorithm.SHA384, b"label")
    for parameters in (OAEP, other):
        ciphertext = decrypting.public_key().encrypt(b"secret", parameters.to_cryptography_padding())
        assert await agent.decrypt("letters", ciphertext, parameters) == b"secret"


async def test_every_failure_of_the_padding_is_one(agent: AsyncAgent, decrypting: AgentKey) -> None:
    """Wrong hash, MGF hash, label, or no padding at all: the same type, reason and text."""
    ciphertext = decrypting.public_key().encrypt(b"secret", OAEP.to_cryptography_padding())
    attempts = [
        (ciphertext, OaepParameters(HashAlgorithm.SHA512, HashAlgorithm.SHA256)),
        (ciphertext, OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA512)),
        (ciphertext, OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, b"x")),
        (b"\x01" * 512, OAEP),
    ]
    said = set()
    for data, parameters in attempts:
        with pytest.raises(DecryptionFailed) as caught:
            await agent.decrypt(decrypting.key_id, data, parameters)
        said.add((caught.value.reason, str(caught.value), str(caught.value.metadata)))
    assert len(said) == 1


@pytest.mark.parametrize("data", [b"", b"x", bytes(512), b"\xff" * 512, bytes(511), bytes(513)], ids=range(6))
async def test_what_is_no_ciphertext_is_refused(agent: AsyncAgent, decrypting: AgentKey, data: bytes) -> None:
    """That can be seen by anybody, and is said."""
    with refused("CIPHERTEXT_MALFORMED"):
        await agent.decrypt(decrypting.key_id, data)


async def test_a_key_does_one_thing(agent: AsyncAgent, signing: AgentKey, decrypting: AgentKey) -> None:
    """Neither the other."""
    with refused("WRONG_PURPOSE"):
        await agent.sign_digest(decrypting.key_id, DIGEST)
    with refused("WRONG_PURPOSE"):
        await agent.decrypt(signing.key_id, bytes(512))


@pytest.mark.parametrize("key", ["", "nobody", "\ud800", "x" * 65, "a\nb", "KEY-" + "a" * 26, "../x"])
async def test_an_unknown_name_is_not_found(agent: AsyncAgent, key: str) -> None:
    """Whatever it is made of."""
    for call in (agent.sign_digest(key, DIGEST), agent.get_key(key), agent.decrypt(key, bytes(512))):
        with refused("KEY_NOT_FOUND"):
            await call


async def test_a_key_of_somebody_else_is_not_found(agent: AsyncAgent, server: RealServer, home: Home) -> None:
    """Another agent's key is to us as one that does not exist; its share is not here."""
    other = Home.find(home.folder.parent / new_request_id())
    await asyncio.to_thread(server.enrolled, other)
    async with AsyncAgent.open(passphrase=PASSPHRASE, home=other.folder) as stranger:
        theirs = await stranger.generate_key("sign", half_bits=2048)
    with refused("KEY_NOT_FOUND"):
        await agent.get_key(theirs.key_id)
    with refused("SHARE_MISSING"):
        await agent.sign_digest(theirs.key_id, DIGEST)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
async def test_a_digest_of_wrong_length_is_refused(agent: AsyncAgent, signing: AgentKey, length: int) -> None:
    """By the agent, before anything is signed."""
    with refused("DIGEST_LENGTH_WRONG"):
        await agent.sign_digest(signing.key_id, bytes(length))


@pytest.mark.parametrize("request_id", ["short", "x" * 65, "with space in the id", "\u00e4" * 20])
async def test_a_request_id_has_its_form(agent: AsyncAgent, signing: AgentKey, request_id: str) -> None:
    """16 to 64 characters of [A-Za-z0-9_-]."""
    with refused("REQUEST_ID_MALFORMED"):
        await agent.sign_digest(signing.key_id, DIGEST, request_id=request_id)
    with refused("REQUEST_ID_MALFORMED"):
        await agent.generate_key("sign", request_id=request_id)


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ({"purpose": "both"}, "FIELD_INVALID"),
        ({"purpose": ""}, "FIELD_INVALID"),
        ({"half_bits": 1024}, "HALF_BITS_WRONG"),
        ({"half_bits": 0}, "HALF_BITS_WRONG"),
        ({"half_bits": -(1 << 40)}, "HALF_BITS_WRONG"),
        ({"daily_limit": -1}, "FIELD_INVALID"),
        ({"daily_limit": 1 << 70}, "FIELD_INVALID"),
        ({"label": "x" * 65}, "FIELD_INVALID"),
        ({"label": "a\nb"}, "FIELD_INVALID"),
        ({"label": " a"}, "FIELD_INVALID"),
        ({"label": "\ud800"}, "FIELD_INVALID"),
        ({"label": "key-" + "a" * 26}, "FIELD_INVALID"),
        ({"purpose": "decrypt", "algorithms": [PSS]}, "FIELD_INVALID"),
    ],
)
async def test_an_impossible_key_is_refused(agent: AsyncAgent, spoiled: dict[str, object], reason: str) -> None:
    """Before a share is made."""
    with refused(reason):
        await agent.generate_key(**({"purpose": "sign"} | spoiled))  # type: ignore[arg-type]


async def test_the_policy_is_kept(agent: AsyncAgent) -> None:
    """The server refuses what was not allowed, and counts."""
    key = await agent.generate_key("sign", half_bits=2048, algorithms=[PSS], daily_limit=1)
    with refused("ALGORITHM_NOT_ALLOWED"):
        await agent.sign(key.key_id, b"x", SignatureAlgorithm.PSS_SHA512)
    await agent.sign(key.key_id, b"x")
    with refused("DAILY_LIMIT_REACHED"):
        await agent.sign(key.key_id, b"y")


async def test_a_key_goes_through_its_states(agent: AsyncAgent, home: Home) -> None:
    """Disabled and enabled, scheduled and cancelled, destroyed: and then our share is gone too."""
    key = await agent.generate_key("sign", half_bits=2048)
    path = home.keys / f"{key.key_id}.json"
    steps = [
        (KeyChange.DISABLE, KeyState.DISABLED, "KEY_DISABLED"),
        (KeyChange.ENABLE, KeyState.ENABLED, ""),
        (KeyChange.SCHEDULE_DESTRUCTION, KeyState.DESTRUCTION_SCHEDULED, "KEY_DESTRUCTION_SCHEDULED"),
        (KeyChange.CANCEL_DESTRUCTION, KeyState.DISABLED, "KEY_DISABLED"),
        (KeyChange.SCHEDULE_DESTRUCTION, KeyState.DESTRUCTION_SCHEDULED, "KEY_DESTRUCTION_SCHEDULED"),
        (KeyChange.DESTROY, KeyState.DESTROYED, "SHARE_MISSING"),
    ]
    for change, state, reason in steps:
        assert path.exists()
        assert (await agent.change_key(key.key_id, change)).state is state
        assert (await agent.get_key(key.key_id)).state is state
        if reason:
            with refused(reason):
                await agent.sign_digest(key.key_id, DIGEST)
        else:
            await agent.sign_digest(key.key_id, DIGEST)
    assert not path.exists()
    assert (await agent.change_key(key.key_id, KeyChange.DESTROY)).state is KeyState.DESTROYED


async def test_a_key_is_replaced(agent: AsyncAgent, home: Home) -> None:
    """One that signs is gone, and its label stands for the new one; one that decrypts is there by its id."""
    label, request_id = new_request_id(), new_request_id()
    signing = await agent.generate_key("sign", half_bits=2048, algorithms=[PSS], daily_limit=9, label=label)
    steps: list[str] = []
    new = await agent.rekey(label, request_id=request_id, on_step=steps.append)
    assert steps
    assert (new.label, new.algorithms, new.daily_limit) == (label, (PSS,), 9)
    assert new.require_joint_key().client == signing.require_joint_key().client
    assert await agent.rekey(label, request_id=request_id) == await agent.rekey(signing.key_id, request_id=request_id)
    assert await agent.get_key(label) == new
    new.public_key().verify(await agent.sign(label, b"text"), b"text", PSS.to_cryptography_padding(), hashes.SHA256())
    old = await agent.get_key(signing.key_id)
    assert (old.state, old.replaced_by_key_id) == (KeyState.DESTROYED, new.key_id)
    assert not (home.keys / f"{signing.key_id}.json").exists()
    for key in (signing.key_id, label + "?"):
        with refused("SHARE_MISSING" if key == signing.key_id else "KEY_NOT_FOUND"):
            await agent.rekey(key)
    with refused("REQUEST_ID_REUSED"):
        await agent.rekey(new.key_id, request_id=request_id)

    letters = await agent.generate_key("decrypt", half_bits=2048, label=label + "-d")
    newer = await agent.rekey(letters.key_id)
    for name, public in ((letters.key_id, letters), (label + "-d", newer)):
        ciphertext = public.public_key().encrypt(b"letter", OAEP.to_cryptography_padding())
        assert await agent.decrypt(name, ciphertext) == b"letter"
    with refused("KEY_REPLACED", key_id=letters.key_id, replaced_by_key_id=newer.key_id):
        await agent.rekey(letters.key_id)


async def test_an_ambiguous_label_is_refused(agent: AsyncAgent) -> None:
    """The id must be named then."""
    label = new_request_id()
    one = await agent.generate_key("sign", half_bits=2048, label=label)
    assert (await agent.get_key(label)).key_id == one.key_id
    await agent.generate_key("sign", half_bits=2048, label=label)
    with refused("LABEL_AMBIGUOUS", label=label):
        await agent.get_key(label)


async def test_lists_have_pages(agent: AsyncAgent, signing: AgentKey, decrypting: AgentKey) -> None:
    """Together the whole list, oldest first."""
    found: list[AgentKey] = []
    token = ""
    while True:
        page = await agent.list_key_page(1, token)
        found += page.keys
        token = page.next_page_token
        if not token:
            break
    assert found == await agent.list_keys()
    assert {signing.key_id, decrypting.key_id} <= {key.key_id for key in found}
    assert [key.create_time for key in found] == sorted(key.create_time for key in found)
    with refused("PAGE_TOKEN_INVALID"):
        await agent.list_key_page(1, "nonsense")
    for size in (-1, 1001, 1 << 70):
        with refused("FIELD_INVALID"):
            await agent.list_key_page(size)


async def test_a_joint_private_key_signs_together_with_the_server(agent: AsyncAgent, signing: AgentKey) -> None:
    """A certificate request, made in another thread than the event loop's."""
    key = await agent.private_key("contracts")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "joint")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    request = await asyncio.to_thread(builder.sign, key, hashes.SHA256())
    assert request.is_signature_valid
    assert request.public_key() == signing.public_key()


async def test_a_joint_private_key_decrypts_together_with_the_server(agent: AsyncAgent, decrypting: AgentKey) -> None:
    """A failure of the padding is a ValueError, as everywhere in ``cryptography``."""
    key, padding = await agent.private_key("letters"), OAEP.to_cryptography_padding()
    ciphertext = decrypting.public_key().encrypt(b"secret", padding)
    assert await asyncio.to_thread(key.decrypt, ciphertext, padding) == b"secret"
    with pytest.raises(ValueError, match="Decryption failed"):
        await asyncio.to_thread(key.decrypt, b"\x01" * 512, padding)


async def test_a_closed_agent_does_nothing_more(agent: AsyncAgent, signing: AgentKey) -> None:
    """What is in flight is finished; what comes later is refused; closing again is nothing."""
    under_way = [asyncio.ensure_future(agent.sign_digest(signing.key_id, DIGEST)) for _ in range(8)]
    await asyncio.sleep(0)
    await agent.close()
    assert len({len(signature) for signature in await asyncio.gather(*under_way)}) == 1
    with refused("AGENT_CLOSED"):
        await agent.sign_digest(signing.key_id, DIGEST)
    await agent.close()


async def test_an_agent_is_opened_or_connected_to(home: Home) -> None:
    """As a program does it; at the end of the block it is closed."""
    ways = (AsyncAgent.open(passphrase=PASSPHRASE, home=home.folder), AsyncAgent.connect(home=home.folder))
    for way in ways:
        async with way as agent:
            assert not (await agent.state()).locked
        with refused("AGENT_CLOSED"):
            await agent.state()
    with refused("PASSPHRASE_WRONG"):
        async with AsyncAgent.open(passphrase=PASSPHRASE[:-1], home=home.folder):
            pytest.fail("it was opened")
