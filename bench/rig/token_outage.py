"""A server's token is taken away under load, and put back; what its callers and its records say of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Final

import grpc
import structlog
from fourseal.v1.signing_service_pb2 import SignDigestRequest
from fourseal.v1.signing_service_pb2_grpc import SigningServiceStub

from bench.harness.results import Aim, Outcome, Result
from bench.load.orders import read_requests
from bench.rig.client import ClientKey
from bench.rig.requests import check_signatures, prepare_requests
from bench.rig.site import Site
from server.config import load_settings
from server.journal import Outcome as Ending
from server.journal import list_operations
from server.root.ground import open_ground
from server.root.home import Home
from softhsm import SoftToken
from softhsm.outage import Course, go_through_outage
from wire import limits
from wire.ids import new_request_id

if TYPE_CHECKING:  # exists in the stub file only
    from fourseal.v1.signing_service_pb2_grpc import SigningServiceAsyncStub

_CALLERS: Final = 16
_STOCK: Final = 32
_PAGE: Final = 1000
_NONE: Final = Aim(0, at_most=True)


def suffer_outage(site: Site, token: SoftToken, key: ClientKey, seconds: float) -> Outcome:
    """Take the token away for so long, and count.

    Raises:
        RemoteError: a call was refused otherwise than for now.
        BenchFailed: a signature does not hold.
    """
    prepared = prepare_requests(key, _STOCK, site.folder / "requests-outage")
    stock = [SignDigestRequest.FromString(each) for each in read_requests(prepared.path)]
    digests = dict[str, bytes]()

    def requests() -> Iterator[SignDigestRequest]:
        for each in cycle(stock):
            request = SignDigestRequest()
            request.CopyFrom(each)
            request.request_id = new_request_id()
            digests[request.request_id] = request.digest
            yield request

    before = _uses(site, key.key_id)
    course = asyncio.run(_through(site, token, requests(), seconds))
    check_signatures(key.joint_key, ((digests[name], signature) for name, signature in course.signatures.items()))
    return _outcome(course, seconds, _uses(site, key.key_id) - before)


async def _through(site: Site, token: SoftToken, requests: Iterator[SignDigestRequest], seconds: float) -> Course:
    options, credentials = limits.channel_options(), site.target.credentials()
    async with grpc.aio.secure_channel(site.target.address, credentials, options) as channel:
        signing: SigningServiceAsyncStub = SigningServiceStub(channel)
        return await go_through_outage(signing.SignDigest, token, requests, _CALLERS, seconds, lambda _, __: None)


def _uses(site: Site, key_id: str) -> int:
    """How many operations with a key the records have as done."""
    folder, after, done = site.server_folder, 0, 0
    settings = load_settings(folder).model_copy(update={"custody": "pkcs11"})  # the records alone: no worker is started
    with open_ground(Home(folder), settings, structlog.get_logger()) as ground:
        while page := ground.database.read_now(partial(list_operations, after=after, limit=_PAGE, key_id=key_id)):
            done += sum(record.outcome is Ending.DONE for record in page)
            after = page[-1].sequence
    return done


def _outcome(course: Course, seconds: float, uses: int) -> Outcome:
    left = len(course.refused.keys() - course.signatures.keys())
    again = uses - len(course.signatures) + course.changed
    rows = (
        ("calls", "calls", "calls", len(course.signatures) + left, None),
        ("refused", "calls refused for now: UNAVAILABLE, with RetryInfo", "calls", len(course.refused), None),
        ("left", "of these, without a signature in the end", "calls", left, _NONE),
        ("used_again", "uses of the server half beyond one for each call", "uses", again, _NONE),
        ("return", "from the token's return to the first signature", "s", course.return_seconds, None),
    )
    title = f"Token away for {seconds:g} s, {_CALLERS} callers"
    return Outcome(
        [
            Result(f"custody_outage_{name}", what, title, unit, (float(value),), aim=aim)
            for name, what, unit, value, aim in rows
        ]
    )
