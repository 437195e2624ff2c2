"""The server and the people of the tests of sessions."""

from tests.server.sessions.conftest import (  # noqa: F401
    alice,
    bob,
    carol,
    clock,
    mallory,
    people,
    session,
    session_home,
    session_server,
    world,
)
