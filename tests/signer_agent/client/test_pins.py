"""A key store that a PIN opens together with a real server, and what somebody has who stole it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fourseal.v1 import pin_service_pb2 as pb
from fourseal.v1.pin_service_pb2_grpc import PinServiceServicer, add_PinServiceServicer_to_server

from mpc.errors import FoursealError
from mpc.oprf import OprfKey
from signer_agent.client.agent import LocalAgent
from signer_agent.client.opening import open_key_store
from signer_agent.home import Home
from signer_agent.keystore.header import PinGuard
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.signer_agent.authority import Authority
from tests.signer_agent.cli.runner import Signer
from tests.signer_agent.real import RealServer
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE
from wire.catalogue import ServiceError
from wire.tls import server_credentials

PIN = "492761"


@dataclass(frozen=True, slots=True)
class Place:
    """A guarded key store, with a folder for copies."""

    home: Home
    folder: Path

    def copy(self, name: str) -> Home:
        """What a thief takes along."""
        home = Home.find(self.folder / name)
        shutil.copytree(self.home.folder, home.folder)
        return home


async def set_pin(home: Home, secret: str, pin: str) -> None:
    """Set a PIN where ``secret`` opens."""
    agent = await LocalAgent.open_store(home, secret)
    try:
        await agent.set_pin(pin)
    finally:
        await agent.close()


@pytest.fixture
def place(server: RealServer, home: Home, tmp_path: Path) -> Place:
    """An enrolled agent with a PIN."""
    server.enrolled(home)
    asyncio.run(set_pin(home, PASSPHRASE, PIN))
    return Place(home, tmp_path)


async def test_the_pin_opens_and_a_right_one_begins_the_count_anew(place: Place) -> None:
    """What was sealed before is still there."""
    for _ in range(2):
        for unproven in ("1", "2"):
            with refused("PIN_WRONG", unproven=unproven):
                await open_key_store(place.home, "000000")
        store = await open_key_store(place.home, PIN)
        assert store.identity() is not None
        assert store.wrong_pins == 2
    assert (await open_key_store(place.home, PIN)).wrong_pins == 0


async def test_a_stolen_key_store_says_nothing_of_its_pin_without_the_server(place: Place) -> None:
    """Not even the right PIN opens it, whatever of its own it is tried with."""
    header = KeyStore.header(place.home)
    for secret in (PIN, PASSPHRASE):
        with pytest.raises(InvalidTag):
            header.open(Passphrase(secret).stretch(header.parameters))
        with refused("PASSPHRASE_WRONG"):
            KeyStore.open(place.home, Passphrase(secret))


async def test_a_thief_who_guesses_is_stopped_and_so_is_the_owner_for_a_time(place: Place) -> None:
    """Copies share one count: it is the server's."""
    copies = [place.copy(f"copy-{number}") for number in range(4)]
    answers = await asyncio.gather(*(open_key_store(copy, "111111") for copy in copies), return_exceptions=True)
    reasons = sorted(each.reason for each in answers if isinstance(each, FoursealError))
    assert reasons == ["PIN_LOCKED", "PIN_WRONG", "PIN_WRONG", "PIN_WRONG"]
    with refused("PIN_LOCKED"):
        await open_key_store(place.home, PIN)


async def test_a_new_pin_ends_the_old_one_in_every_copy_and_a_passphrase_ends_both(place: Place) -> None:
    """The server forgets the guard: the old PIN opens nothing, whoever knows it."""
    old = place.copy("old")
    await set_pin(place.home, PIN, "new PIN")
    with refused("PIN_GUARD_UNKNOWN"):
        await open_key_store(old, PIN)
    newer = place.copy("newer")
    agent = await LocalAgent.open_store(place.home, "new PIN")
    await agent.change_passphrase(Passphrase(PASSPHRASE))
    await agent.close()
    with refused("PIN_GUARD_UNKNOWN"):
        await open_key_store(newer, "new PIN")
    assert (await open_key_store(place.home, PASSPHRASE)).identity() is not None


async def test_a_pin_that_cannot_be_set_leaves_the_old_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too short; and a disk that is full when the server has a new guard already."""
    with refused("PIN_UNSUITABLE"):
        await set_pin(place.home, PIN, "12345")

    def full(*_: object) -> None:
        raise ServiceError("STORE_UNUSABLE", file="keystore.json", problem="No space left on device")

    monkeypatch.setattr(KeyStore, "wrap", full)
    with refused("STORE_UNUSABLE"):
        await set_pin(place.home, PIN, "654321")
    assert (await open_key_store(place.home, PIN)).identity() is not None


class Liar(PinServiceServicer):
    """A server that answers with whatever key it likes."""

    def __init__(self, key: OprfKey, *, cut: int) -> None:
        self._key = key
        self._cut = cut
        self.proofs = 0

    async def EvaluatePin(self, request: pb.EvaluatePinRequest, context: object) -> pb.EvaluatePinResponse:  # noqa: ARG002, N802
        """Answers by its key, or with a part of that."""
        evaluation = self._key.evaluate(request.blinded_element)[self._cut :]
        return pb.EvaluatePinResponse(evaluation=evaluation, attempt=1, unproven=1)

    async def ProvePin(self, request: pb.ProvePinRequest, context: object) -> pb.ProvePinResponse:  # noqa: ARG002, N802
        """Counts proofs."""
        self.proofs += 1
        return pb.ProvePinResponse()


@asynccontextmanager
async def lying(home: Home, liar: Liar, public_key: bytes) -> AsyncIterator[None]:
    """A key store that leads to a liar."""
    authority, server = Authority(), grpc.aio.server()
    add_PinServiceServicer_to_server(liar, server)
    key = ec.generate_private_key(ec.SECP256R1())
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate = authority.issue(key.public_key(), "localhost").public_bytes(Encoding.PEM)
    port = server.add_secure_port("127.0.0.1:0", server_credentials(key_pem, certificate, None))
    await server.start()
    store, parameters = KeyStore.create(home, Passphrase(PASSPHRASE)), KeyStore.header(home).parameters
    store.wrap(bytes(32), parameters, PinGuard(bytes(32), public_key, f"localhost:{port}", authority.pem))
    try:
        yield
    finally:
        await server.stop(None)


@pytest.mark.parametrize(
    ("info", "cut", "reason"),
    [(b"another guard", 0, "EVALUATION_WRONG"), (b"guard", 1, "EVALUATION_WRONG"), (b"guard", 0, "PIN_WRONG")],
    ids=["another-key", "no-evaluation", "the-key"],
)
async def test_a_server_that_lies_opens_nothing_and_gets_no_proof(
    home: Home, info: bytes, cut: int, reason: str
) -> None:
    """It cannot make a right PIN look wrong; and a proof is given for what opened the key store, and only then."""
    key = OprfKey(bytes(32), b"guard")
    liar = Liar(OprfKey(bytes(32), info), cut=cut)
    async with lying(home, liar, key.public_key):
        with refused(reason):
            await open_key_store(home, PIN)
    assert liar.proofs == 0


def test_the_command_line_asks_for_the_pin_in_the_passphrases_place(place: Place) -> None:
    """The same option takes it, and what is wrong is said in words."""
    (place.folder / "pin").write_text("a longer PIN\n")
    signer = Signer(place.home, place.folder)
    assert signer.passphrase_file is not None
    signer.passphrase_file.write_text(PIN)
    signer.run("pin", "set", "--new-pin-file", place.folder / "pin")
    ran = signer.refused("PIN_WRONG", "key", "list")
    assert "The PIN is wrong, 1 times in a row now." in ran.err
    signer.passphrase_file.write_text("a longer PIN\n")
    ran = signer.run("key", "list", "--json")
    assert ran.out
    signer.passphrase_file.write_text("another wrong PIN\n")
    signer.refused("PIN_WRONG", "key", "list")
    signer.passphrase_file.write_text("a longer PIN\n")
    assert "the PIN was wrong: 1 times in a row" in signer.run("key", "list").err
    assert "the PIN was wrong" not in signer.run("key", "list").err
    (place.folder / "passphrase-2").write_text(PASSPHRASE)
    signer.run("passphrase", "change", "--new-passphrase-file", place.folder / "passphrase-2")
    signer.passphrase_file.write_text(PASSPHRASE)
    signer.run("key", "list")
