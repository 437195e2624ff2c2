"""Prints docs/errors.md, made from the catalogue of errors: ``python scripts/errors_page.py > docs/errors.md``."""

from __future__ import annotations

import re

from wire.catalogue import CATALOGUE, Entry

_HEAD = """\
# Errors

Made from `wire/catalogue/` by `scripts/errors_page.py`; do not edit it here.

Every refusal is a gRPC status with a `google.rpc.ErrorInfo` in its details: `domain` is `fourseal`, `reason` is a name
of this table and never changes, `metadata` holds whatever varies in the text. `metadata.culprit` is `client` or
`server` where one party broke the protocol. One item of a batch carries the same as an `ItemError`. The command lines
print the message, what to do, and the reason.

Where the culprit is the server, an agent's own caller did nothing wrong; the code is then `ABORTED` whatever the
table says.

How the codes are to be read: `INVALID_ARGUMENT`, this request can never work; `FAILED_PRECONDITION`, somebody must act
first; `UNAVAILABLE`, repeat the same request with the same `request_id`; `ABORTED`, start over; `INTERNAL`, a fault of
ours that no input can cause.

| reason | gRPC code | what is wrong | what to do |
|---|---|---|---|
"""


def _row(entry: Entry) -> str:
    message = re.sub(r"\{(\w+)\}", r"*\1*", entry.message)
    cells = (f"`{entry.reason}`", f"`{entry.code.name}`", message, entry.action)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    print(_HEAD + "\n".join(_row(entry) for entry in CATALOGUE.values()))
