"""Finds in the source every reason that an error can be raised with, and the metadata that goes with it.

What is followed: the reason given to an error's constructor, be it a string, a choice between strings, a string with
parts filled in, a local or module-level name, an entry of a module-level table; and the reason given to a function that
has a parameter called ``reason`` and hands it to a constructor. A reason that is only handed on (``error.reason``) was
found where it began. Anything else cannot be followed, and is reported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.architecture.source import Module

PACKAGES: Final = ("mpc", "contract", "transparency", "wire", "server", "signer_agent")
_ROOT: Final = "FoursealError"
_PEER: Final = "PeerMisbehaved"  # always has a culprit

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Raised:
    """One place where a reason begins.

    Args:
        place: "module:line".
        pattern: regular expression of the reason; mostly just the reason.
        metadata: names of its metadata; None where they cannot be told.
    """

    place: str
    pattern: str
    metadata: frozenset[str] | None


@dataclass(frozen=True)
class _Construction:
    """A call that makes an error, or that calls a function which does."""

    module: str
    function: Function
    line: int
    reason: ast.expr
    metadata: frozenset[str] | None


@dataclass(frozen=True)
class _Helper:
    """A function that takes a reason and makes an error of it."""

    position: int
    parameters: frozenset[str]
    metadata: frozenset[str]


class Finder:
    """Reads modules. What it finds is in ``raised`` and ``not_followed``."""

    def __init__(self, modules: list[Module]) -> None:
        trees = {module.name: module.tree for module in modules if module.within(*PACKAGES)}
        self.raised: list[Raised] = []
        self.not_followed: list[str] = []
        self._tables = {name: value for tree in trees.values() for name, value in _constants(tree)}
        self._classes = _error_classes(list(trees.values()))
        self._helpers: dict[tuple[str, str], _Helper] = {}
        for construction in [each for name, tree in trees.items() for each in self._constructions(name, tree)]:
            self._follow(construction, construction.reason, construction.metadata)
        for construction in [each for name, tree in trees.items() for each in self._helper_calls(name, tree)]:
            self._follow(construction, construction.reason, construction.metadata)

    def _constructions(self, module: str, tree: ast.Module) -> Iterator[_Construction]:
        taking = {name for name, found in self._classes.items() if _takes_reason(found)}
        inits = {_init(found): name for name, found in self._classes.items() if found is not None}
        for function, call in _calls(tree):
            to_base = inits.get(function) not in (None, _ROOT) and ast.unparse(call.func) == "super().__init__"
            if call.args and (_name(call.func) in taking or to_base):
                extra = {"culprit"} if _name(call.func) == _PEER else set[str]()
                yield _Construction(module, function, call.lineno, call.args[0], _metadata(call, extra))

    def _helper_calls(self, module: str, tree: ast.Module) -> Iterator[_Construction]:
        for function, call in _calls(tree):
            name = _name(call.func)
            helper = self._helpers.get((module if name.startswith("_") else "", name))
            if helper is not None:
                named = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
                reason = named[0] if named else call.args[helper.position]
                given = _metadata(call, helper.metadata)
                metadata = None if given is None else (given - helper.parameters) | helper.metadata
                yield _Construction(module, function, call.lineno, reason, metadata)

    def _follow(self, origin: _Construction, reason: ast.expr, metadata: frozenset[str] | None) -> None:
        place = f"{origin.module}:{origin.line}"
        match reason:
            case ast.Constant(value=str(text)):
                self.raised.append(Raised(place, re.escape(text), metadata))
            case ast.JoinedStr(values=parts):
                pattern = "".join(re.escape(str(p.value)) if isinstance(p, ast.Constant) else "[A-Z_]+" for p in parts)
                self.raised.append(Raised(place, pattern, None))
            case ast.IfExp(body=one, orelse=other):
                self._follow(origin, one, metadata)
                self._follow(origin, other, metadata)
            case ast.Attribute(attr="reason") | ast.Subscript(slice=ast.Constant(value="reason")):
                pass
            case ast.Subscript(value=ast.Name(id=name)) if isinstance(table := self._tables.get(name), ast.Dict):
                self._follow_all(origin, table.values)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"), args=[_, default]) if isinstance(
                table := self._tables.get(name), ast.Dict
            ):
                self._follow_all(origin, [*table.values, default])
            case ast.Name(id=name) if values := _assigned(origin.function, name) or self._constant(name):
                for value in values:
                    self._follow(origin, value, metadata)
            case ast.Name(id="reason") if "reason" in (names := _parameters(origin.function)):
                self._add_helper(origin, names)
            case _:
                self.not_followed.append(f"{place}: {ast.unparse(reason)}")

    def _follow_all(self, origin: _Construction, values: list[ast.expr]) -> None:
        for value in values:
            self._follow(origin, value, None)  # which of them it is depends on more than is seen here

    def _add_helper(self, origin: _Construction, names: list[str]) -> None:
        name = origin.function.name
        if name != "__init__":  # a constructor of ours, whose calls are followed anyhow
            known = origin.metadata if origin.metadata is not None else frozenset[str]()
            key = (origin.module if name.startswith("_") else "", name)
            self._helpers[key] = _Helper(names.index("reason") - (names[0] == "self"), frozenset(names), known)

    def _constant(self, name: str) -> list[ast.expr]:
        value = self._tables.get(name)
        return [] if value is None else [value]


def _error_classes(trees: list[ast.Module]) -> dict[str, ast.ClassDef | None]:
    """Return every class of errors that have a reason, by name."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    known: dict[str, ast.ClassDef | None] = {each.name: each for each in classes if each.name == _ROOT} or {_ROOT: None}
    while new := {
        each.name: each
        for each in classes
        if each.name not in known and not known.keys().isdisjoint(map(_name, each.bases))
    }:
        known |= new
    return known


def _init(found: ast.ClassDef | None) -> Function | None:
    body = found.body if found is not None else []
    return next((node for node in body if isinstance(node, ast.FunctionDef) and node.name == "__init__"), None)


def _takes_reason(found: ast.ClassDef | None) -> bool:
    init = _init(found)
    return init is None or _parameters(init)[1:2] == ["reason"]


def _calls(tree: ast.Module) -> Iterator[tuple[Function, ast.Call]]:
    for function in ast.walk(tree):
        if isinstance(function, Function):
            for node in ast.walk(function):
                if isinstance(node, ast.Call):
                    yield function, node


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _metadata(call: ast.Call, extra: frozenset[str] | set[str]) -> frozenset[str] | None:
    """Names of the keywords; those of ``**more`` count as what a helper's own caller adds."""
    names = {keyword.arg for keyword in call.keywords}
    complete = None not in names or any(ast.unparse(k.value) == "metadata" for k in call.keywords if k.arg is None)
    return frozenset({name for name in names if name} | extra) if complete else None


def _parameters(function: Function) -> list[str]:
    arguments = function.args
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _assigned(function: Function, name: str) -> list[ast.expr]:
    return [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        if any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]
