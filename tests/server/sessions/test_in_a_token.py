"""What holds for custody in the database holds for a token: tests of sessions, with a token under the server."""

from __future__ import annotations

import pytest

from tests.server.custody.pkcs11.conftest import in_token, shared_token
from tests.server.custody.pkcs11.softhsm import SoftToken
from tests.server.sessions.people import Session, Signer, World, prepare
from tests.server.sessions.test_key_decryption import test_joint
from tests.server.sessions.test_life import test_closing_destroys_the_signing_share, test_what_a_session_promises

__all__ = [
    "in_token",
    "shared_token",
    "test_closing_destroys_the_signing_share",
    "test_joint",
    "test_what_a_session_promises",
]


@pytest.fixture(scope="module")
def world(shared_token: SoftToken, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The people of these tests, certified by an authority in the token."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in shared_token.settings.items():
            patch.setenv(name, value)
        return prepare(tmp_path_factory.mktemp("world") / "server", ("alice", "bob", "carol"))


pytestmark = pytest.mark.usefixtures("in_token")


async def test_closed_session_leaves_one_object(alice: Signer, session: Session, shared_token: SoftToken) -> None:
    """Both shares are in the token; when the session has closed the one that signs is not."""
    names = {f"fourseal {session.session_id}.{purpose}" for purpose in ("sign", "decrypt")}
    assert names <= set(shared_token.names())
    await alice.close(session.session_id)
    assert names & set(shared_token.names()) == {f"fourseal {session.session_id}.decrypt"}
