"""What a server streams as an export is written as it is, or refused as the server's fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from fourseal.v1 import trusteeship_service_pb2 as pb

from contract.trusteeship.export import ExportedRecord
from contract.trusteeship.export_reading import read_export
from mpc.errors import PeerMisbehaved
from signer_agent.trusteeship.export_file import write_export
from signer_agent.trusteeship.records import RecordFilter

CHOSEN = RecordFilter("acme", "orgkey-abcdefghijklmn27")
HEAD = pb.ExportRecordsResponse(head=pb.ExportHead(records=1, checkpoint=b"c"))
RECORD = pb.ExportRecordsResponse(record=pb.ExportedRecord(entry_der=b"e", log_index=7, proof=[bytes(32)]))


def written(*answers: pb.ExportRecordsResponse) -> bytes:
    """The file."""

    async def streamed() -> AsyncIterator[pb.ExportRecordsResponse]:
        for answer in answers:
            yield answer

    file = BytesIO()
    asyncio.run(write_export(streamed(), CHOSEN, file.write, lambda _, __: None))
    return file.getvalue()


def test_an_export_is_written_whole_or_refused() -> None:
    """Everything is in the file; what is cut, out of order or malformed makes none."""
    head, parts = read_export(BytesIO(written(HEAD, RECORD)).read)
    assert (head.key_id, head.records, list(parts)) == (CHOSEN.key_id, 1, [ExportedRecord(b"e", 7, (bytes(32),))])
    short = pb.ExportRecordsResponse(record=pb.ExportedRecord(entry_der=b"e", proof=[b"short"]))
    grant = pb.ExportRecordsResponse(grant=pb.Grant(request_der=b"none"))
    for answers, reason in (
        ((), "ANSWER_MALFORMED"),
        ((RECORD,), "ANSWER_MALFORMED"),
        ((HEAD,), "ANSWER_MALFORMED"),
        ((HEAD, RECORD, RECORD), "ANSWER_MALFORMED"),
        ((HEAD, HEAD, RECORD), "ANSWER_MALFORMED"),
        ((HEAD, pb.ExportRecordsResponse()), "ANSWER_MALFORMED"),
        ((HEAD, short), "EXPORT_MALFORMED"),
        ((HEAD, grant), "JOINT_STATEMENT_MALFORMED"),
    ):
        with pytest.raises(PeerMisbehaved) as refusal:
            written(*answers)
        assert (refusal.value.reason, refusal.value.metadata["culprit"]) == (reason, "server")
