"""The token is pulled out while Alice's program signs, and put back: what callers hear, and what the records say."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import count
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from fourseal.v1.algorithms_pb2 import SIGNATURE_ALGORITHM_RSA_PSS_SHA256
from fourseal.v1.signing_service_pb2 import SignDigestRequest

from demo.attacks import SERVER_HOME
from demo.people import Signer
from demo.show import Show
from demo.stage import CommandFailed, Stage
from mpc.engines import Gmpy2Engine
from mpc.four_prime_rsa import (
    EncodedMessage,
    JointPublicKey,
    SignatureAlgorithm,
    SigningShare,
    create_partial_signature,
)
from signer_agent.client.server_line import ServerLine
from signer_agent.keystore.store import KeyStore
from softhsm import SoftToken
from softhsm.outage import Course, go_through_outage
from wire.ids import new_request_id

_ALGORITHM: Final = SignatureAlgorithm.PSS_SHA256
_CALLERS: Final = 4
_SECONDS: Final = 5.0
_PAGE: Final = 1000


@dataclass(slots=True)
class Outage:
    """One step. It raises if it does not hold."""

    stage: Stage
    show: Show
    token: SoftToken
    alice: Signer
    key_id: str

    def perform(self) -> None:
        """Pull it out, put it back, look at what came of it."""
        with self.show.step("Pull the token out under load") as shown:
            shown.outcome = self._perform()

    def _perform(self) -> str:
        store = self.alice.store()
        (record,) = (each for each in store.records() if each.key_id == self.key_id)
        share = store.share(self.key_id)
        if not isinstance(share, SigningShare):
            raise CommandFailed("the key store has no half of the key")
        asked: dict[str, bytes] = {}
        self.show.say(f"{_CALLERS} callers sign one document after the other. The token is gone for {_SECONDS:g} s:")
        requests = _requests(self.key_id, record.joint_key, share, asked)
        course = asyncio.run(self._through(store, requests))
        for name, signature in course.signatures.items():
            scheme, prehashed = _ALGORITHM.to_cryptography_padding(), Prehashed(_ALGORITHM.hash.to_cryptography())
            record.joint_key.to_cryptography().verify(signature, asked[name], scheme, prehashed)
        ours = {digest.hex() for digest in asked.values()}
        used = [each["digest"] for each in self._records() if each["digest"] in ours and each["outcome"] == "done"]
        if not course.refused or not len(used) == len(set(used)) == len(course.signatures):
            raise CommandFailed(f"{len(used)} uses of {len(set(used))} digests, {len(course.signatures)} signatures")
        if course.changed:
            raise CommandFailed(f"{course.changed} repeats were answered by another signature")
        self.show.say(
            f"It is back, and {course.return_seconds:.1f} s later so are the signatures. Every call that was refused "
            "was repeated under its request_id, and repeated once more at the end: each has one signature, OpenSSL's "
            "library verifies it, and the server has one record of it."
        )
        self.show.views({"client": "UNAVAILABLE, and when to come again", "server": "that workers lost the token"})
        return f"{len(course.refused)} of {len(course.signatures)} calls had to wait; none failed, none was used twice"

    async def _through(self, store: KeyStore, requests: Iterator[SignDigestRequest]) -> Course:
        identity = store.identity()
        if identity is None:
            raise CommandFailed("nobody is enrolled")
        line = ServerLine(identity, store)
        try:
            sign_digest = partial(line.signing.SignDigest, metadata=await line.metadata(""))
            return await go_through_outage(sign_digest, self.token, requests, _CALLERS, _SECONDS, self._tell)
        finally:
            await line.close()

    def _tell(self, seconds: float, course: Course) -> None:
        self.show.output(f"{seconds:4.1f} s  {len(course.signatures)} signatures, {course.refusals} times UNAVAILABLE")

    def _records(self) -> list[dict[str, Any]]:
        """What the server has recorded of the key's use."""
        options = ("--key", self.key_id, "--page-size", str(_PAGE), "--json", "--home", SERVER_HOME)
        listed = json.loads(self.stage.must(["fourseal-server", "records", *options]))
        if listed["next_page_token"]:
            raise CommandFailed("there are more records than are looked at")
        return list(listed["records"])


def _requests(
    key_id: str, joint_key: JointPublicKey, share: SigningShare, asked: dict[str, bytes]
) -> Iterator[SignDigestRequest]:
    """Without end, each for a document of its own; ``asked`` keeps the digests by request_id."""
    for number in count(1):
        digest, salt = sha256(f"Delivery note {number}".encode()).digest(), secrets.token_bytes(_ALGORITHM.salt_length)
        message = EncodedMessage(joint_key, _ALGORITHM, digest, salt)
        request = SignDigestRequest(
            request_id=new_request_id(),
            key_id=key_id,
            algorithm=SIGNATURE_ALGORITHM_RSA_PSS_SHA256,
            digest=digest,
            salt=salt,
            client_partial=create_partial_signature(share, message, Gmpy2Engine(), secrets.token_bytes).to_bytes(),
        )
        asked[request.request_id] = digest
        yield request
