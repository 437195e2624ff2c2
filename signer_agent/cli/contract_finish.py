"""``contract finish``: from signed to a PDF that all have signed, as far as it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Optional

import typer

from contract.pades.model import SignedPdf, Timestamper
from mpc.four_prime_rsa import SignatureAlgorithm
from signer_agent.cli.contract_text import certified_as, contract_json, contract_rows
from signer_agent.cli.drafting import ContractArgument, with_drafting
from signer_agent.cli.files import require_absent, write_file
from signer_agent.cli.invocation import Invocation
from signer_agent.cli.message_text import visible
from signer_agent.cli.options import ForceOption, TsaOption, YesOption
from signer_agent.cli.trust import read_certificates
from signer_agent.cli.trusteeship import PersonalKeyOption
from signer_agent.drafting.drafting import Drafting
from signer_agent.drafting.model import Contract, ContractState
from wire.catalogue import ServiceError
from wire.client.output import OUTPUT, message_of
from wire.stamp_authority import StampAuthority

_WAITS_FOR_OTHERS: Final = {ContractState.LOCKED, ContractState.SIGNED, ContractState.FINISHED}
_SECONDS_BETWEEN: Final = 2.0


@dataclass(frozen=True, slots=True)
class _How:
    """How the PDF is signed."""

    algorithm: SignatureAlgorithm
    timestamper: Timestamper | None
    long_term: bool
    pages_seen: bool


def finish(
    invocation: Invocation,
    contract: ContractArgument,
    *,
    out: Annotated[
        Optional[Path],  # noqa: UP045  # typer reads it
        typer.Option("--out", "-o", help="File for the PDF, once all have signed it."),
    ] = None,
    docx: Annotated[
        Optional[Path],  # noqa: UP045  # typer reads it
        typer.Option("--docx", metavar="FILE", help="File for the contract as DOCX, with the same watermark."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the others, and go on then.")] = False,
    pkcs1: Annotated[
        bool, typer.Option("--pkcs1", help="Sign the PDF with PKCS#1 v1.5, for readers that do not know PSS.")
    ] = False,
    tsa: Annotated[str, typer.Option(metavar="URL", help="Have your signature stamped by this authority.")] = "",
    tsa_certificate: TsaOption = None,
    long_term: Annotated[
        bool, typer.Option("--long-term", help="Put the authority's list of revoked certificates in beside it.")
    ] = False,
    pages_seen: Annotated[
        bool, typer.Option("--pages-seen", help="You looked at all pages: do not set them again here, and compare.")
    ] = False,
    personal_key: PersonalKeyOption = "",
    force: ForceOption = False,
    yes: YesOption = False,
) -> None:
    """Consent to a contract that all have signed, have it made, sign the PDF, and write it; as far as it goes.

    Exit status 0 if all is done, 3 if others have to act first.
    """
    for path in (out, docx):
        if path is not None:
            require_absent(path, force=force)
    algorithm = SignatureAlgorithm.PKCS1_SHA256 if pkcs1 else SignatureAlgorithm.PSS_SHA256
    stamper = _timestamper(tsa, tsa_certificate or [])
    how = _How(algorithm, stamper, long_term=long_term, pages_seen=pages_seen)

    async def finished(drafting: Drafting) -> tuple[Contract, SignedPdf | None]:
        signed: SignedPdf | None = None
        with OUTPUT.progress("Asking how it stands") as step:
            while True:
                found = await drafting.contract(contract)
                found, made = await _act(drafting, found, how, step, yes=yes)
                signed = signed or made
                if not wait or found.state not in _WAITS_FOR_OTHERS:
                    break
                step(f"Waiting for {', '.join(_missing(found))}")
                await asyncio.sleep(_SECONDS_BETWEEN)
            if found.state is ContractState.COMPLETE:
                step("Fetching and checking the documents")
                if out is not None:
                    write_file(out, await drafting.documents.pdf(found))
                if docx is not None:
                    write_file(docx, await drafting.documents.docx(found, pages_seen=how.pages_seen))
        return found, signed

    found, signed = with_drafting(invocation, finished, personal_key)
    done = found.state is ContractState.COMPLETE
    written = [str(each) for each in (out, docx) if each is not None and done]
    _show(found, signed, written)
    if not done:
        OUTPUT.note(f"These have to act first: {', '.join(_missing(found))}. Then: {_again(invocation, contract)}")
        raise typer.Exit(3)


async def _act(
    drafting: Drafting,
    found: Contract,
    how: _How,
    step: Callable[[str], None],
    *,
    yes: bool,
) -> tuple[Contract, SignedPdf | None]:
    """Do what is ours to do now; the contract afterwards, and the PDF if it was signed."""
    account = await drafting.account()
    ours = found.party(account)
    if found.state in {ContractState.DRAFTING, ContractState.ENDED} or ours is None or ours.statement is None:
        raise ServiceError("CONTRACT_STATE_WRONG", state=f"{found.state}, and you have not signed it")
    if found.state is ContractState.SIGNED and ours.consent is None:
        _ask_consent(found, account, yes=yes)
        step("Consenting")
        found = await drafting.consent(found)
    if found.state is ContractState.CONSENTED:
        step("Having the documents made")
        found = await drafting.finish(found.contract_id)
    ours = found.party(account)
    if found.state is ContractState.FINISHED and ours is not None and not ours.pdf_signed:
        step("Checking and signing the PDF")
        revocation = await drafting.documents.revocation_data() if how.long_term else None
        signed = await drafting.documents.sign_pdf(
            found,
            algorithm=how.algorithm,
            timestamper=how.timestamper,
            revocation=revocation,
            pages_seen=how.pages_seen,
        )
        return await drafting.contract(found.contract_id), signed
    return found, None


def _ask_consent(found: Contract, account: str, *, yes: bool) -> None:
    version = found.version(found.agreed_version)
    statement = found.parties[0].statement  # the others' say the same, or nothing is consented to
    # A server could show what all had signed before the contract was reopened.
    if version is not None and statement is not None:
        OUTPUT.note(f"Version {version.number} by {version.author}, SHA-256 {statement.draft_digest.hex()}")
    OUTPUT.note(f"All parties have signed {visible(found.summary.title)!r}, as the authority certified them:")
    for party in found.parties:
        who = "you" if party.account == account else party.account
        OUTPUT.note(f"  {who:<12}  {certified_as(party)}")
    OUTPUT.note("The document carries their marks as an invisible watermark, and cannot be taken back then.")
    OUTPUT.confirm("Consent?", yes=yes)


def _missing(found: Contract) -> list[str]:
    done: Callable[[Any], bool]
    if found.state is ContractState.LOCKED:
        done = lambda party: party.statement is not None  # noqa: E731
    elif found.state is ContractState.SIGNED:
        done = lambda party: party.consent is not None  # noqa: E731
    else:
        done = lambda party: party.pdf_signed  # noqa: E731
    return [each.account for each in found.parties if not done(each)]


def _timestamper(url: str, certificates: list[Path]) -> Timestamper | None:
    if not url:
        return None
    if not certificates:
        raise typer.BadParameter("--tsa needs --tsa-certificate: whom to believe")
    try:
        authority = StampAuthority(url, read_certificates(certificates))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None

    async def stamp(data: bytes) -> bytes:
        return await asyncio.to_thread(authority.stamp, data)

    return stamp


def _show(found: Contract, signed: SignedPdf | None, written: list[str]) -> None:
    content = contract_json(found)
    rows = contract_rows(found)
    if signed is not None:
        content |= {
            "level": signed.level.value,
            "unstamped": None if signed.unstamped is None else signed.unstamped.reason,
        }
        rows.append(("PDF signed", f"PAdES {signed.level}"))
        if signed.unstamped is not None:
            rows.append(("Not stamped", message_of(signed.unstamped)))
    content |= {"written": written}
    OUTPUT.show(content, rows + [("Written", each) for each in written])


def _again(invocation: Invocation, contract: str) -> str:
    return invocation.call_of(f"contract finish {contract}")
