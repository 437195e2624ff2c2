"""``certificates``: one's own pair of signer certificates; ``contacts``: those of other people, pinned."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from contract.certificates import SignerCertificate
from signer_agent.cli.accounts import EncryptKeyOption, HalfBitsOption, NameArgument, SignKeyOption
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.options import YesOption
from signer_agent.contracts.contacts import ContactPair, KnownContact
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.signer_keys import EncryptKind, KeyChoice, Pair, RevocationReason, SignKind
from wire.catalogue import ServiceError
from wire.client.output import OUTPUT

app = typer.Typer(help="Your certificates for signing and for encryption.", no_args_is_help=True)
contacts = typer.Typer(help="Certificates of others that you have seen.", no_args_is_help=True)


@command(app)
def show(invocation: Invocation) -> None:
    """Show the certificates of the account that is logged in, as this key store has them."""
    _show(invocation.with_contracts(lambda contracts: contracts.keys.active()))


@command(app)
def renew(
    invocation: Invocation,
    *,
    sign_key: SignKeyOption = SignKind.HALF,
    encrypt_key: EncryptKeyOption = EncryptKind.HALF,
    half_bits: HalfBitsOption = 3072,
    yes: YesOption = False,
) -> None:
    """Make new keys and get certificates for them. Those before are revoked; their keys stay, for older messages."""
    question = "Make new keys? Your certificates until now are revoked, and others must accept the new ones"
    OUTPUT.confirm(question, yes=yes)

    async def work(contracts: Contracts) -> Pair:
        with OUTPUT.progress("Making the keys") as on_step:
            pair = await contracts.keys.make(KeyChoice(sign_key, encrypt_key, half_bits), on_step)
        await contracts.logins.prove()
        return pair

    _show(invocation.with_contracts(work))


@command(app)
def revoke(
    invocation: Invocation,
    *,
    reason: Annotated[RevocationReason, typer.Option(help="Why.")],
    yes: YesOption = False,
) -> None:
    """Revoke the certificates of the account that is logged in."""
    OUTPUT.confirm("Revoke your certificates? You cannot sign until you make new keys", yes=yes)
    invocation.with_contracts(lambda contracts: contracts.keys.revoke(reason))
    OUTPUT.show({"revoked": True}, [("Certificates", "revoked")])


@command(contacts, "list")
def list_contacts(invocation: Invocation) -> None:
    """List everybody whose certificates were seen, with the fingerprints of those for signing."""

    async def work(found: Contracts) -> list[KnownContact]:
        return found.contacts.all()

    known = invocation.with_contracts(work)
    rows = [
        (each.name, each.accepted[-1].sign, each.offered.sign if each.offered is not None else "") for each in known
    ]
    OUTPUT.show_table([_contact(each) for each in known], ("Name", "Accepted", "Waits to be accepted"), rows)


@command(contacts)
def accept(invocation: Invocation, name: NameArgument, *, yes: YesOption = False) -> None:
    """Accept the new certificates of somebody, after you have compared their fingerprints by another way."""

    async def work(found: Contracts) -> KnownContact:
        known = found.contacts.find(name)
        if known.offered is None:
            raise ServiceError("CONTACT_UNKNOWN", name=name)
        before = known.accepted[-1]
        OUTPUT.note(
            f"{name} had certificates with these fingerprints (SHA-256):",
            f"  signing     {before.sign}",
            f"  encryption  {before.encrypt}",
            "and now has these:",
            f"  signing     {known.offered.sign}",
            f"  encryption  {known.offered.encrypt}",
            f"Ask {name} by telephone or in person, not through this server.",
        )
        OUTPUT.confirm("Are the new ones right?", yes=yes)
        return found.contacts.accept(name, known.offered)

    known = invocation.with_contracts(work)
    OUTPUT.show(_contact(known), [("Accepted", known.name), ("Signing", known.accepted[-1].sign)])


def _show(pair: Pair) -> None:
    rows = [("Account", pair.sign_certificate.name)]
    for what, certificate in (("Signing", pair.sign_certificate), ("Encryption", pair.encrypt_certificate)):
        rows.append((what, certificate.fingerprint.hex()))
        rows.append(("  valid until", f"{certificate.certificate.not_valid_after_utc:%Y-%m-%d}"))
    content = {
        "name": pair.sign_certificate.name,
        "sign_certificate": _certificate(pair.sign_certificate),
        "encrypt_certificate": _certificate(pair.encrypt_certificate),
    }
    OUTPUT.show(content, rows)


def _certificate(certificate: SignerCertificate) -> dict[str, str]:
    return {
        "fingerprint": certificate.fingerprint.hex(),
        "expire_time": certificate.certificate.not_valid_after_utc.isoformat(),
    }


def _contact(known: KnownContact) -> dict[str, Any]:
    return {
        "name": known.name,
        "accepted": [_pair(pair) for pair in known.accepted],
        "offered": _pair(known.offered) if known.offered is not None else None,
    }


def _pair(pair: ContactPair) -> dict[str, str]:
    return {"sign": pair.sign, "encrypt": pair.encrypt}
