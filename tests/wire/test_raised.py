"""The finder of reasons finds them, and says what it cannot follow."""

from __future__ import annotations

import pytest

from tests.architecture.source import Module
from tests.wire.raised import Finder, Raised

CLASSES = """
class FoursealError(Exception):
    def __init__(self, reason, text, /, **metadata):
        super().__init__(text)
class MalformedInput(FoursealError): pass
class PeerMisbehaved(FoursealError):
    def __init__(self, reason, text, /, *, culprit, **metadata):
        super().__init__(reason, text, culprit=culprit, **metadata)
class Fixed(FoursealError):
    def __init__(self, what):
        super().__init__("FIXED", what, what=what)
"""
ALWAYS = ("FIXED", {"what"})


def found(body: str) -> tuple[list[tuple[str, set[str] | None]], list[str]]:
    """Find reasons in the classes above and a module of this text."""
    finder = Finder([Module("mpc.errors", CLASSES), Module("server.thing", body)])
    raised = [(each.pattern, None if each.metadata is None else set(each.metadata)) for each in finder.raised]
    raised.remove(ALWAYS)
    return raised, finder.not_followed


@pytest.mark.parametrize(
    ("body", "raised"),
    [
        ("def f(): raise MalformedInput('A', 'text', size=1)", [("A", {"size"})]),
        ("async def f(): raise errors.MalformedInput('A', 'text')", [("A", set())]),
        ("def f(): raise PeerMisbehaved('A', 'text', culprit='client')", [("A", {"culprit"})]),
        ("def f(): raise Fixed('a word')", []),
        ("def f(x): raise MalformedInput('A' if x else 'B', 'text')", [("A", set()), ("B", set())]),
        ("def f(x):\n reason = 'A'\n raise MalformedInput(reason, 'text')", [("A", set())]),
        ("A: Final = 'AA'\ndef f(): raise MalformedInput(A, 'text')", [("AA", set())]),
        ("T = {1: 'A', 2: 'B'}\ndef f(x): raise MalformedInput(T[x], 'text')", [("A", None), ("B", None)]),
        ("T = {1: 'A'}\ndef f(x): raise MalformedInput(T.get(x, 'B'), 'text')", [("A", None), ("B", None)]),
        ("def f(x): raise MalformedInput(f'{x}_A', 'text')", [("[A-Z_]+_A", None)]),
        ("def f(e): raise MalformedInput(e.reason, 'text')", []),
        ("class E(MalformedInput): pass\ndef f(): raise E('A', 'text')", [("A", set())]),
        (
            "def h(reason, **metadata): return MalformedInput(reason, '', size=1, **metadata)\ndef f(): h('A', b=2)",
            [("A", {"size", "b"})],
        ),
        ("def h(x, *, reason): raise MalformedInput(reason, 't')\ndef f(): h(1, reason='A')", [("A", set())]),
        (
            "class C:\n def h(self, reason): raise MalformedInput(reason, 't')\n def f(self): self.h('A')",
            [("A", set())],
        ),
        ("def f(x): raise MalformedInput('A', 'text', **x)", [("A", None)]),
        ("def f(x): raise ValueError('A')", []),
    ],
)
def test_reason_is_found(body: str, raised: list[tuple[str, set[str] | None]]) -> None:
    """With its metadata, where that can be told."""
    assert found(body) == (raised, [])


@pytest.mark.parametrize("reason", ["x", "x()", "x['a']", "'A' + x"])
def test_what_cannot_be_followed_is_reported(reason: str) -> None:
    """With its place."""
    raised, not_followed = found(f"def f(x):\n raise MalformedInput({reason}, 'text')")
    assert raised == []
    assert not_followed == [f"server.thing:2: {reason}"]


def test_place_is_named() -> None:
    """Module and line."""
    finder = Finder([Module("wire.thing", "\n\ndef f(): raise FoursealError('A', 'text')")])
    assert finder.raised == [Raised("wire.thing:3", "A", frozenset())]


def test_tests_are_not_read() -> None:
    """They raise what they like."""
    assert Finder([Module("tests.thing", "def f(): raise FoursealError('A', 'text')")]).raised == []
