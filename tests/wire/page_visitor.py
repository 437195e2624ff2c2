"""Who comes to a page of ``wire.local_page`` by HTTP, and does not use a browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


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

    async def post(self, action: str, **content: object) -> Answer:
        """What the page does for its user."""
        return await self.ask("POST", self.path + action, json.dumps(content).encode())
