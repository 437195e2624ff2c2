"""A desk's page, served here, and those who come to it: by HTTP, or with a browser."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from signer_agent.daemon.process import make_log
from signer_agent.signing_device.page import SIZE, open_page
from tests.signer_agent.signing_device.desks import Table, new_table


@dataclass(frozen=True)
class Answer:
    """Of HTTP; the names of its headers in small letters."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def told(self) -> dict[str, Any]:
        """The content, JSON."""
        told: dict[str, Any] = json.loads(self.content)
        return told


@dataclass(frozen=True)
class Visitor:
    """Comes to a page by HTTP, and knows its address."""

    url: str

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self.url.removesuffix(self.path)

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        """With the token."""
        return urlsplit(self.url).path

    @property
    def token(self) -> str:
        """Of the path."""
        return self.path.strip("/")

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that says nothing yet."""
        host, _, port = self.host.partition(":")
        return await asyncio.open_connection(host, int(port))

    async def send(self, sent: bytes) -> Answer | None:
        """What is answered to these bytes; None where the connection is closed instead."""
        reader, writer = await self.connect()
        writer.write(sent)
        head, _, content = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return Answer(int(first.split(" ")[1]), headers, content) if head else None

    async def ask(self, method: str, path: str, content: bytes = b"", **headers: str | None) -> Answer:
        """A request as the page sends it, but for the headers that are given otherwise, or left out: None."""
        usual = {"Host": self.host, "Origin": self.origin, "Content_Type": "application/json"}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in (usual | headers).items() if value is not None]
        head = "\r\n".join(
            (f"{method} {path} HTTP/1.1", *lines, f"Content-Length: {len(content)}", "Connection: close")
        )
        answer = await self.send(head.encode() + b"\r\n\r\n" + content)
        assert answer is not None
        return answer

    async def act(self, action: str, revision: int, **more: str) -> Answer:
        """What the page does for its user."""
        return await self.ask("POST", self.path + action, json.dumps({"revision": revision, **more}).encode())


@dataclass(frozen=True)
class Served(Visitor):
    """A page, and the table that it shows."""

    table: Table
    log: io.StringIO


@asynccontextmanager
async def served(table: Table | None = None) -> AsyncIterator[Served]:
    """A page of a table, of a new one unless it is given."""
    table, log = table or new_table(size=SIZE), io.StringIO()
    async with open_page(table.desk, table.office.account, 0, make_log(log), table.clock) as url:
        yield Served(url, table, log)
