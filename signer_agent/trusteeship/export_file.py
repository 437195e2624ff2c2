"""A records export as the server streams it, into its file: ``contract.trusteeship.export``.

The file is for whoever verifies it. Here it is only seen to that each part is one, and that all came.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable

from fourseal.v1 import trusteeship_service_pb2 as pb

from contract.joint_statement import JointStatement
from contract.trusteeship.export import (
    FIRST_TIME,
    LAST_TIME,
    ExportedCertificate,
    ExportedGrant,
    ExportedRecord,
    ExportHead,
    Part,
)
from signer_agent.trusteeship.records import RecordFilter
from wire.client.blame import answer_malformed, blaming_server

OnRecords = Callable[[int, int], None]
"""Is told how many records have been written, and how many there are."""


async def write_export(
    answers: AsyncIterable[pb.ExportRecordsResponse],
    chosen: RecordFilter,
    write: Callable[[bytes], object],
    on_records: OnRecords,
) -> int:
    """Write a file; returns how many records it has.

    Args:
        answers: of ExportRecords.
        chosen: which records were asked for, with organisation and key.
        write: takes the next bytes of the file.
        on_records: called after each record.

    Raises:
        PeerMisbehaved: EXPORT_MALFORMED, and what the parts raise; the culprit is the server.
        FoursealError: what the answers and ``write`` raise.
    """
    head: ExportHead | None = None
    written = 0
    async for answer in answers:
        with blaming_server():
            part = _part(answer, chosen)
        if isinstance(part, ExportHead) is not (head is None):
            raise answer_malformed("its head is not what it begins with")
        if isinstance(part, ExportHead):
            head = part
        write(part.to_der())
        if head is not None and isinstance(part, ExportedRecord):
            written += 1
            on_records(written, head.records)
    if head is None or written != head.records:
        raise answer_malformed("it ends before its last record")
    return written


def _part(answer: pb.ExportRecordsResponse, chosen: RecordFilter) -> Part:
    kind = answer.WhichOneof("part")
    if kind == "head":
        return _head(answer.head, chosen)
    if kind == "certificate_der":
        return ExportedCertificate(answer.certificate_der)
    if kind == "grant":
        orders = tuple(map(JointStatement.from_der, answer.grant.orders_der))
        return ExportedGrant(JointStatement.from_der(answer.grant.request_der), orders)
    if kind == "record":
        return ExportedRecord(answer.record.entry_der, answer.record.log_index, tuple(answer.record.proof))
    raise answer_malformed("a part of it is of no kind")


def _head(head: pb.ExportHead, chosen: RecordFilter) -> ExportHead:
    return ExportHead(
        organisation=chosen.organisation,
        key_id=chosen.key_id,
        user=chosen.user,
        begin=chosen.begin or FIRST_TIME,
        end=chosen.end or LAST_TIME,
        records=head.records,
        checkpoint=head.checkpoint,
        log_certificate=head.log_certificate_der,
        revocation_list=head.revocation_list_der,
    )
