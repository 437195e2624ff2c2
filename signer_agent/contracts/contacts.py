"""Contacts: the certificates of other people, pinned when they are seen first.

A server that issues certificates could issue another one in somebody's name. So the first pair that is seen of an
account is remembered; another is refused until a person has compared fingerprints and accepts it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from contract.certificates import SignerCertificate
from signer_agent.contracts.entries import Contact, Drawers
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class ContactPair:
    """Fingerprints of a pair of certificates, hex.

    Args:
        sign: of the certificate for signing.
        encrypt: of the certificate for encryption.
    """

    sign: str
    encrypt: str


@dataclass(frozen=True, slots=True)
class KnownContact:
    """Somebody whose certificates were seen.

    Args:
        name: account.
        accepted: newest last.
        offered: seen and not accepted; None if there is none.
    """

    name: str
    accepted: tuple[ContactPair, ...]
    offered: ContactPair | None


class Contacts:
    """All contacts of the key store. Reads and writes files; every method may raise those of the key store.

    Args:
        drawers: where they are kept.
    """

    def __init__(self, drawers: Drawers) -> None:
        self._drawer = drawers.contacts

    def require_known(self, sign: SignerCertificate, encrypt: SignerCertificate) -> None:
        """See that a verified pair was accepted; the first of an account is.

        Raises:
            ServiceError: CONTACT_CHANGED: another pair is known. It is remembered as offered.
        """
        pair = f"{sign.fingerprint.hex()}:{encrypt.fingerprint.hex()}"
        known = self._drawer.update(sign.name, lambda contact: _seen(contact, pair))
        if pair not in known.accepted:
            latest = _pair(known.accepted[-1])
            raise ServiceError("CONTACT_CHANGED", name=sign.name, known=latest.sign, found=sign.fingerprint.hex())

    def all(self) -> list[KnownContact]:
        """All, by name."""
        found = ((name, self._drawer.get(name)) for name in self._drawer.names())
        return [_known(name, contact) for name, contact in found if contact is not None]

    def find(self, name: str) -> KnownContact:
        """One contact.

        Raises:
            ServiceError: CONTACT_UNKNOWN.
        """
        contact = self._drawer.get(name)
        if contact is None:
            raise ServiceError("CONTACT_UNKNOWN", name=name)
        return _known(name, contact)

    def accept(self, name: str, offered: ContactPair) -> KnownContact:
        """Accept the pair that was offered, which a person has compared.

        Raises:
            ServiceError: CONTACT_UNKNOWN: nobody of that name, or nothing, or another pair, is offered now.
        """
        pair = f"{offered.sign}:{offered.encrypt}"

        def accepted(contact: Contact | None) -> Contact:
            if contact is None or contact.offered != pair:
                raise ServiceError("CONTACT_UNKNOWN", name=name)
            return replace(contact, accepted=(*contact.accepted, pair), offered="")

        return _known(name, self._drawer.update(name, accepted))


def _seen(contact: Contact | None, pair: str) -> Contact:
    if contact is None:
        return Contact((pair,))
    if pair in contact.accepted or pair == contact.offered:
        return contact
    return contact.with_offer(pair)


def _known(name: str, contact: Contact) -> KnownContact:
    offered = _pair(contact.offered) if contact.offered else None
    return KnownContact(name, tuple(map(_pair, contact.accepted)), offered)


def _pair(text: str) -> ContactPair:
    sign, _, encrypt = text.partition(":")
    return ContactPair(sign, encrypt)
