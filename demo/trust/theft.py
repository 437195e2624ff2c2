"""A grant that is revoked while a request is under way, and a stolen phone that is cloned."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509

from contract.trusteeship.operations import KeyOperation, OrganisationPublicKey
from demo.people import Signer
from demo.show import Show
from demo.stage import AttackSucceeded, CommandFailed, Stage
from demo.trust.company import SEAL_CERTIFICATE, Company
from demo.trust.office import CONTRACT, ENCRYPTED, KIND, Office
from mpc.errors import FoursealError
from signer_agent.client.agent import LocalAgent
from signer_agent.client.server_line import ServerLine
from signer_agent.contracts.entries import Drawers
from signer_agent.contracts.login import LoginLine
from signer_agent.contracts.personal_certificates import PersonalCertificates
from signer_agent.contracts.statements import StatementSigner
from signer_agent.trusteeship.uses import Uses, WantedUse, new_use_id

if TYPE_CHECKING:  # it exists for the type checker only
    from fourseal.v1.trusteeship_service_pb2_grpc import TrusteeshipServiceAsyncStub

_CLONE = "clone"


@dataclass(slots=True)
class Theft:
    """The third act. Each step returns what it came to, in a few words; one that does not hold raises."""

    company: Company
    office: Office

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("Revoke a grant while a request is under way", self._revoke),
            ("Clone a stolen phone", self._clone),
        ):
            with self._show.step(title, is_attack=True) as shown:
                shown.outcome = step()

    def _revoke(self) -> str:
        self._show.say(
            "Alice's request is under way: the token has signed, and her agent is about to sign the record. Now Dora "
            "revokes the grant. No second director is needed for that:"
        )
        dora, grant = self.company.directors[2], self.office.seal_grant

        def revoke() -> None:
            self._show.output(dora.fourseal("grant", "revoke", grant, "--reason", "she leaves", "--yes"))

        answer = asyncio.run(self._seal_meanwhile(revoke))
        if answer != "USE_REFUSED":
            raise AttackSucceeded(f"the use went on after the revocation: {answer}")
        self._show.refusal("and Alice's agent gets no seal, though one was made:", answer)
        return "the seal was made and erased; the record says refused"

    async def _seal_meanwhile(self, revoke: Callable[[], None]) -> str:
        """Make a use whose second step comes after ``revoke``; returns the reason of its refusal."""
        alice, store = self.company.alice, self.company.alice.store()
        identity = store.identity()
        if identity is None:
            raise CommandFailed("nobody is enrolled")
        agent = await LocalAgent.open_store(store.home, alice.passphrase)
        line = ServerLine(identity, store)
        login = LoginLine(line, Drawers(store))
        try:
            signer = StatementSigner(agent, login, PersonalCertificates(login, agent), "")
            trusteeship = (await agent.contracts()).trusteeship(agent)
            grant = await trusteeship.grant(self.office.seal_grant)
            service = cast("TrusteeshipServiceAsyncStub", _Held(line.trusteeship, revoke))
            uses = Uses(signer, service, (await agent.log_watch()).key)
            digest = hashlib.sha256((self._stage.folder / CONTRACT).read_bytes()).digest()
            wanted = WantedUse(KeyOperation.ECDSA_SHA256, digest, "order 4712", KIND)
            await uses.make(grant, self._seal_key(), wanted, new_use_id())
        except FoursealError as error:
            return error.reason
        finally:
            await line.close()
            await agent.close()
        return "a seal"

    def _clone(self) -> str:
        self._show.say("A thief copies the folder of Alice's phone, knows the passphrase, and uses the copy first:")
        alice, clone = self.company.alice, Signer(_CLONE, self.company.alice.passphrase, self._stage, self._show)
        shutil.copytree(self._stage.folder / alice.name, self._stage.folder / clone.name, ignore=_no_sockets)
        what = ("use", "decrypt", self.office.letters_grant, ENCRYPTED, "--reason", "curious", "--yes")
        stolen = clone.attempt(*what, "--out", "stolen.txt", who="thief")
        if not stolen.succeeded:
            raise CommandFailed(f"the thief did not come even once: {stolen.printed}")
        self._show.output("the letter is read: as Alice's use, which the audit will show")
        self._show.say("Then Alice uses hers. Two agents with one key store: the server blocks both.")
        for who, signer in (("alice", alice), ("thief", clone)):
            refused = signer.attempt(*what, "--out", f"{who}.txt", who=who)
            said = " ".join(refused.printed.split())
            if refused.succeeded or "Two copies" not in said:
                raise AttackSucceeded(f"{who} went on after the clone was found: {said}")
            self._show.refusal(f"{who}:", said)
        return "one use before it was noticed, none after; the key is of no use to either"

    def _seal_key(self) -> OrganisationPublicKey:
        certificate = x509.load_pem_x509_certificate((self._stage.folder / SEAL_CERTIFICATE).read_bytes())
        return cast("OrganisationPublicKey", certificate.public_key())

    @property
    def _show(self) -> Show:
        return self.company.show

    @property
    def _stage(self) -> Stage:
        return self.company.stage


class _Held:
    """The server's service, with something that happens between the two steps of a use."""

    def __init__(self, service: Any, meanwhile: Callable[[], None]) -> None:  # noqa: ANN401  # a stub of gRPC's
        self._service = service
        self._meanwhile = meanwhile
        self.BeginUse = service.BeginUse

    async def FinishUse(self, request: Any, **call: Any) -> Any:  # noqa: ANN401, N802  # as the service has it
        """Finish, later."""
        await asyncio.to_thread(self._meanwhile)
        return await self._service.FinishUse(request, **call)


def _no_sockets(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name.endswith((".sock", ".lock"))]
