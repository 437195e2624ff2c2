"""The rules of the architecture. Each takes a module and yields what is wrong with it, as "module:line: what".

Layers, lowest first, in ``LAYERS``: a module uses what lies below it or in its own layer, never what lies above or
beside it. New packages find their place there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from tests.architecture.source import Module, within

Rule = Callable[[Module], Iterator[str]]

PURE = ("mpc", "contract", "transparency")
PURE_MAY_IMPORT = (
    *PURE,
    *("__future__", "abc", "collections", "contextlib", "dataclasses", "enum", "functools", "hashlib", "hmac"),
    *("itertools", "math", "operator", "struct", "types", "typing"),
    *("cryptography.exceptions", "cryptography.hazmat.primitives", "gmpy2"),
)
MAY_IMPORT_TOO = {
    "contract": (
        *("base64", "datetime", "json", "re", "unicodedata", "cryptography.hazmat.asn1", "cryptography.x509"),
        "rfc3161_client",  # parses and verifies; asks nobody, and takes the time from what it verifies
    ),
    "contract.watermark": (
        *("array", "copy", "io", "posixpath", "zipfile", "zlib"),  # files in memory
        *("lxml.etree", "rapidfuzz.distance", "reedsolo"),  # lxml parses bytes here, and fetches nothing
        *("bisect", "pikepdf"),  # qpdf, on bytes in memory
        *("reportlab.pdfbase._fontdata", "reportlab.pdfbase._glyphlist"),  # tables
    ),
    "contract.pades": (
        *("io", "asn1crypto", "pyhanko", "pyhanko_certvalidator.registry"),  # files in memory; nothing is fetched
        *("fontTools", "reportlab.pdfbase"),  # draws, in a font that comes with it
    ),
    "contract.documents": (
        *("bisect", "io", "xml.sax.saxutils", "zipfile"),  # files in memory
        *("fontTools", "lxml.etree", "markdown_it", "pikepdf", "rapidfuzz.distance", "segno"),  # bytes in, bytes out
    ),
    "contract.transactions": (
        *("decimal", "iso4217.Currency"),  # a table of currencies
        *("confusable_homoglyphs.categories", "confusable_homoglyphs.confusables"),  # tables
        "rich.cells",  # widths of characters
    ),
    "contract.announcements": ("ipaddress",),
    "contract.drafting": ("binascii", "io", "zipfile", "lxml.etree", "pikepdf"),  # files in memory
    "transparency": ("base64", "re"),
    "mpc.oprf": ("voprf.ristretto",),
    "mpc.engines": ("ctypes", "sys"),  # libraries that compute, and where Python's packages put them
}
IMPURE_BUILTINS = frozenset({"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint"})
CLOCK_METHODS = frozenset({"now", "utcnow", "today"})

LAYERS = (
    ("mpc.errors",),
    ("mpc.secret",),
    ("mpc.oprf",),
    ("mpc.engines",),
    ("mpc.four_prime_rsa",),
    ("transparency",),
    ("contract",),
    ("wire",),
    ("server.clock", "server.errors", "signer_agent", "terminal"),
    ("server.config", "server.secret_file"),
    ("server.webhook", "server.sockets"),
    ("server.metrics",),
    ("server.storage",),
    ("server.custody",),
    ("server.journal",),
    ("server.identity",),
    ("server.signing",),
    ("server.organisations", "server.statements"),
    ("server.sessions", "server.registration", "server.pins"),
    ("server.relay", "server.evidence"),
    ("server.drafting", "server.trusteeship", "server.transactions", "server.guard", "server.gateway"),
    ("server.root",),
    ("server.cli",),
    ("softhsm",),
    ("bench", "demo"),
)
OUTSIDE_LAYERS = ("tests", "scripts", "hatch_build")
PROJECT = (
    "mpc",
    "contract",
    "transparency",
    "wire",
    "server",
    "signer_agent",
    "terminal",
    "softhsm",
    "bench",
    "demo",
    *OUTSIDE_LAYERS,
)

ROOTS = ("server.root", "server.cli", "softhsm", "bench", "demo", *OUTSIDE_LAYERS)
GRPC_PLACES = (
    "wire",
    "signer_agent.client",
    "signer_agent.contracts",
    "signer_agent.evidence",
    "signer_agent.daemon",
    "signer_agent.drafting",
    "signer_agent.log",
    "signer_agent.signing_device.parties",
    "signer_agent.signing_device.rpc",
    "signer_agent.signing_device.server_office",
    "signer_agent.signing_device.serving",
    "signer_agent.transactions",
    "signer_agent.trusteeship",
    "signer_agent.cli",
    "server.gateway",
    "terminal.back_end",
    "terminal.device",
    *ROOTS,
)
PROGRAMS = ("server", "signer_agent", "terminal")
STORE_PARTS = ("store", "tables")
DISPLAYS_KNOW = (
    *("signer_agent.signing_device.desk", "signer_agent.signing_device.model", "signer_agent.signing_device.wording"),
    "signer_agent.signing_device.page",
)

LONGEST_MODULE = 500
LONGEST_FUNCTION = 70


def pure_packages_touch_nothing(module: Module) -> Iterator[str]:
    """No I/O, clock, threads or randomness of its own: values and bytes in, values and bytes out."""
    if not module.within(*PURE):
        return
    allowed = list(PURE_MAY_IMPORT)
    for home, names in MAY_IMPORT_TOO.items():
        allowed += names if module.within(home) else ()
    for found in module.imports():
        if not found.within(*allowed):
            yield _wrong(module, found.line, f"a pure package imports {found.name}")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_BUILTINS:
            yield _wrong(module, node.lineno, f"a pure package calls {node.func.id}()")
        if isinstance(node, ast.Attribute) and node.attr in CLOCK_METHODS:
            yield _wrong(module, node.lineno, f"a pure package reads a clock: {node.attr}")


def nothing_imports_upwards(module: Module) -> Iterator[str]:
    """Every module has a layer, and uses only lower layers and its own package."""
    if module.within(*OUTSIDE_LAYERS):
        return
    home = _home(module.name)
    if home is None and not _above_layers(module.name):
        yield _wrong(module, 1, "belongs to no layer")
        return
    for found in module.imports():
        if not found.within(*PROJECT):
            continue
        target = _home(found.name)
        if home is None:
            yield _wrong(module, found.line, f"lies above several layers and imports {found.name}")
        elif target is None:
            yield _wrong(module, found.line, f"imports {found.name}, which belongs to no layer")
        elif target[1] != home[1] and target[0] >= home[0]:
            yield _wrong(module, found.line, f"{home[1]} imports {found.name}, which does not lie below it")


def programs_are_strangers(module: Module) -> Iterator[str]:
    """Agent, server and terminal have the wire in common, and the pure core."""
    for one in PROGRAMS:
        others = [other for other in PROGRAMS if other != one]
        if module.within(one):
            for found in module.imports():
                if found.within(*others):
                    yield _wrong(module, found.line, f"{one} imports {found.name}")


def terminals_know_no_shares(module: Module) -> Iterator[str]:
    """A terminal may be infected: nothing that works with shares is in it."""
    if module.within("terminal"):
        for found in module.imports():
            if found.within("mpc") and not found.within("mpc.errors"):
                yield _wrong(module, found.line, f"a terminal imports {found.name}")


def grpc_stays_at_the_edge(module: Module) -> Iterator[str]:
    """Rules know neither gRPC nor its messages: those stay in wire, rpc and the roots."""
    if module.within(*GRPC_PLACES) or module.has_part("rpc"):
        return
    for found in module.imports():
        if found.within("grpc", "grpc_health", "grpc_reflection", "grpc_status", "google", "fourseal"):
            yield _wrong(module, found.line, f"imports {found.name} away from the edge")


def sql_stays_in_stores(module: Module) -> Iterator[str]:
    """The database's library is known to server/storage and to the tables of each system.

    The server's rules and the benchmark may name its Connection, and hand one from the database to a store: alone it
    says no SQL.
    """
    if module.within("server.storage", "tests") or module.has_part(*STORE_PARTS):
        return
    for found in module.imports():
        handle = module.within("server", "bench") and found.name == "sqlalchemy.Connection"
        if found.within("sqlalchemy", "alembic", "sqlite3") and not handle:
            yield _wrong(module, found.line, f"imports {found.name} outside a store")


def faces_and_tables_are_private(module: Module) -> Iterator[str]:
    """A system is used through its rules: its gRPC face is known to the roots alone, its tables to itself."""
    if module.within(*ROOTS):
        return
    for found in module.imports():
        owner = _system(found.name)
        if owner is None or owner == _system(module.name):
            continue
        parts = found.name.split(".")[2:]
        if "rpc" in parts or (owner != "server.storage" and not set(STORE_PARTS).isdisjoint(parts)):
            yield _wrong(module, found.line, f"imports {found.name}, which is private to {owner}")


def systems_call_their_rules_directly(module: Module) -> Iterator[str]:
    """Rules never go through their own gRPC face."""
    if module.has_part("rpc") or module.within(*ROOTS):
        return
    for found in module.imports():
        if _system(found.name) is not None and "rpc" in found.name.split("."):
            yield _wrong(module, found.line, f"imports the gRPC face {found.name}")


def the_page_knows_the_desk_alone(module: Module) -> Iterator[str]:
    """Who breaks in to the signing device's page finds no keys, no server and no terminal in its reach."""
    if not module.within("signer_agent.signing_device.page"):
        return
    for found in module.imports():
        if found.within("contract", "mpc.four_prime_rsa", "signer_agent") and not found.within(*DISPLAYS_KNOW):
            yield _wrong(module, found.line, f"the page imports {found.name}")


def files_and_functions_are_short(module: Module) -> Iterator[str]:
    """A reader sees a function at one glance and a module in one sitting."""
    length = module.text.count("\n")
    if length > LONGEST_MODULE:
        yield _wrong(module, length, f"has {length} lines, more than {LONGEST_MODULE}")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield _wrong(module, node.lineno, f"{node.name} has {lines} lines, more than {LONGEST_FUNCTION}")


RULES: tuple[Rule, ...] = (
    pure_packages_touch_nothing,
    nothing_imports_upwards,
    programs_are_strangers,
    terminals_know_no_shares,
    grpc_stays_at_the_edge,
    sql_stays_in_stores,
    faces_and_tables_are_private,
    systems_call_their_rules_directly,
    the_page_knows_the_desk_alone,
    files_and_functions_are_short,
)


def _home(name: str) -> tuple[int, str] | None:
    """Return the height and the package of the layer that a dotted name lies in."""
    for height, packages in enumerate(LAYERS):
        for package in packages:
            if within(name, package):
                return height, package
    return None


def _above_layers(name: str) -> bool:
    return any(within(package, name) for packages in LAYERS for package in packages)


def _system(name: str) -> str | None:
    """Return the package of one of the server's systems that a dotted name lies in."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "server" and len(parts) > 1 else None


def _wrong(module: Module, line: int, what: str) -> str:
    return f"{module.name}:{line}: {what}"
