"""What a server shows to Prometheus, read by that project's own parser."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from server.metrics import PATH

Sample = tuple[str, ...]
"""Its name, and the values of its labels, in the order of their names."""


async def ask(address: str, path: str = PATH, method: str = "GET") -> tuple[int, str]:
    """One request: status and content."""
    request = urllib.request.Request(f"http://{address}{path}", method=method)  # ours
    return await asyncio.to_thread(_open, request)


def _open(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # ours
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def read(text: str) -> Counter[Sample]:
    """The samples of an answer."""
    found = Counter[Sample]()
    for metric in text_string_to_metric_families(text):
        for sample in metric.samples:
            found[sample.name, *(sample.labels[name] for name in sorted(sample.labels))] = int(sample.value)
    return found


async def scrape(address: str) -> Counter[Sample]:
    """What it shows now."""
    status, text = await ask(address)
    assert status == 200
    return read(text)
