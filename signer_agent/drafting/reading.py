"""Reading what the server shows of contracts: believed as far as signatures and certificates in it hold."""

from __future__ import annotations

from typing import Final

from cryptography import x509
from fourseal.v1 import drafting_service_pb2 as pb

from contract.certificate_parts import fingerprint
from contract.chain import check_issued
from contract.documents.draft import DraftFormat
from contract.drafting.consents import ContractConsent
from contract.drafting.marks import check_mark
from contract.drafting.statements import ContractStatement
from contract.joint_statement import JointStatement
from contract.names import check_account_name, check_contract_id, check_title
from contract.trusteeship.certificates import PersonalCertificate
from mpc.errors import PeerMisbehaved
from signer_agent.drafting.model import Contract, ContractState, ContractSummary, ContractTurn, DraftVersion, Party
from wire.client.blame import answer_malformed, answered_time, blaming_server, server_lied

_DIGEST_BYTES: Final = 32
_STATES: Final = {
    pb.CONTRACT_STATE_DRAFTING: ContractState.DRAFTING,
    pb.CONTRACT_STATE_LOCKED: ContractState.LOCKED,
    pb.CONTRACT_STATE_SIGNED: ContractState.SIGNED,
    pb.CONTRACT_STATE_CONSENTED: ContractState.CONSENTED,
    pb.CONTRACT_STATE_FINISHED: ContractState.FINISHED,
    pb.CONTRACT_STATE_COMPLETE: ContractState.COMPLETE,
    pb.CONTRACT_STATE_ENDED: ContractState.ENDED,
}
_FORMATS: Final = {
    pb.DRAFT_FORMAT_DOCX: DraftFormat.DOCX,
    pb.DRAFT_FORMAT_MARKDOWN: DraftFormat.MARKDOWN,
    pb.DRAFT_FORMAT_PLAIN: DraftFormat.PLAIN,
}
FORMATS_BACK: Final = {ours: proto for proto, ours in _FORMATS.items()}
"""Formats of drafts, as the server knows them."""


def read_summary(shown: pb.ContractSummary) -> ContractSummary:
    """Read a line of the server's list. Raises PeerMisbehaved; the culprit is the server."""
    with blaming_server():
        return ContractSummary(
            contract_id=check_contract_id(shown.contract_id),
            title=check_title(shown.title),
            state=_STATES.get(shown.state, ContractState.UNKNOWN),
            creator=check_account_name(shown.creator),
            pen_holder=check_account_name(shown.pen_holder),
            accounts=tuple(map(check_account_name, shown.accounts)),
            last_version=shown.last_version,
            serial=shown.serial,
            create_time=answered_time(shown.create_time),
            update_time=answered_time(shown.update_time),
        )


def read_contract(shown: pb.Contract, authority: x509.Certificate, contract_id: str = "") -> Contract:
    """Read a contract that the server shows, and check every signature in it.

    Args:
        shown: by the server.
        authority: that this agent knows.
        contract_id: that was asked for; empty: a new one.

    Raises:
        PeerMisbehaved: CONTRACT_ANSWER_WRONG: another contract, or parts of one; CERTIFICATE_...,
            CONTRACT_STATEMENT_MALFORMED, SIGNATURE_INVALID, CONTRACT_MARK_INVALID; ANSWER_MALFORMED. The culprit is the
            server.
    """
    summary = read_summary(shown.summary)
    if contract_id not in {"", summary.contract_id}:
        raise wrong("it is another contract than was asked for")
    parties = tuple(_read_party(each, summary, authority) for each in shown.parties)
    if tuple(each.account for each in parties) != summary.accounts:
        raise wrong("its parties are not those that it names")
    versions = tuple(map(read_version, shown.versions))
    if [each.number for each in versions] != list(range(1, summary.last_version + 1)):
        raise wrong("its versions are not complete")
    return Contract(
        summary=summary,
        parties=parties,
        versions=versions,
        last_return=_read_turn(shown.last_return) if shown.HasField("last_return") else None,
        end=_read_turn(shown.end) if shown.HasField("end") else None,
        finish_time=answered_time(shown.finish_time) if shown.HasField("finish_time") else None,
        pdf_bytes=next((each.size for each in shown.revisions if not each.number), 0),
    )


def read_version(shown: pb.DraftVersion) -> DraftVersion:
    """Read what the server says of a version. Raises PeerMisbehaved (ANSWER_MALFORMED); the culprit is the server."""
    form = _FORMATS.get(shown.format)
    if form is None or {len(shown.sha256), len(shown.text_digest)} != {_DIGEST_BYTES}:
        raise answer_malformed("a version of it has no format, or no digests")
    with blaming_server():
        author = check_account_name(shown.author)
    return DraftVersion(
        number=shown.number,
        based_on=shown.based_on,
        author=author,
        create_time=answered_time(shown.create_time),
        form=form,
        size=shown.size,
        sha256=shown.sha256,
        text_digest=shown.text_digest,
    )


def wrong(problem: str) -> PeerMisbehaved:
    """The server shows something of a contract that does not hold."""
    return server_lied("CONTRACT_ANSWER_WRONG", problem)


def _read_party(shown: pb.ContractParty, summary: ContractSummary, authority: x509.Certificate) -> Party:
    with blaming_server():
        account = check_account_name(shown.account)
        certificate = PersonalCertificate.from_der(shown.certificate_der) if shown.certificate_der else None
        if certificate is not None:
            check_issued(certificate.certificate, authority)
            if certificate.account != account:
                raise wrong(f"the certificate of {account} is {certificate.account}'s")
        statement = consent = None
        if shown.statement_der:
            signed = _signed(shown.statement_der, certificate, account)
            statement = ContractStatement.from_der(signed.statement)
            check_mark(statement, shown.mark)
            _require_theirs(statement, account, summary, certificate)
        if shown.consent_der:
            consented = _signed(shown.consent_der, certificate, account)
            consent = ContractConsent.from_der(consented.statement)
            _require_theirs(consent, account, summary, certificate)
    return Party(
        account=account,
        confirmed_version=shown.confirmed_version,
        certificate=certificate,
        revoke_time=answered_time(shown.revoke_time) if shown.HasField("revoke_time") else None,
        statement=statement,
        mark=shown.mark,
        consent=consent,
        pdf_signed=shown.pdf_signed,
    )


def _signed(der: bytes, certificate: PersonalCertificate | None, account: str) -> JointStatement:
    """What a party signed, if its certificate's key did."""
    if certificate is None:
        raise wrong(f"{account} signed without a certificate")
    signed = JointStatement.from_der(der)
    signed.check(certificate.public_key)
    return signed


def _require_theirs(
    statement: ContractStatement | ContractConsent,
    account: str,
    summary: ContractSummary,
    certificate: PersonalCertificate | None,
) -> None:
    named = (statement.contract_id, statement.signer, tuple(each.account for each in statement.signers))
    if named != (summary.contract_id, account, summary.accounts):
        raise wrong(f"what {account} signed is of another contract")
    if certificate is None or statement.signer_certificate != fingerprint(certificate.certificate):
        raise wrong(f"{account} signed with another certificate")


def _read_turn(shown: pb.ContractTurn) -> ContractTurn:
    with blaming_server():
        account = check_account_name(shown.account)
    differs = shown.cause == pb.RETURN_CAUSE_TEXT_DIFFERS
    return ContractTurn(account, differs, shown.reason, answered_time(shown.time))
