"""A server over real gRPC and mutual TLS that does its part in memory, and lies where a test tells it to.

What it does is right (``server_side``); then ``lies`` may change an answer before it is sent, and a call may be lost or
refused, before or after its work was done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fourseal.v1 import (
    decryption_service_pb2,
    enrolment_service_pb2,
    key_service_pb2,
    lease_service_pb2,
    signing_service_pb2,
)
from google.protobuf.message import Message

from mpc.errors import FoursealError
from tests.signer_agent.authority import Authority
from tests.signer_agent.server_side import ServerSide
from wire.status import status_of
from wire.tls import server_credentials

Lie = Callable[[Any, Any], None]
"""Changes an answer in place; gets the request and the answer."""

_RPCS: Final[dict[str, dict[str, tuple[type[Message], Callable[[ServerSide, Any], Message]]]]] = {
    "KeyService": {
        "BeginKeyGeneration": (key_service_pb2.BeginKeyGenerationRequest, ServerSide.begin),
        "FinishKeyGeneration": (key_service_pb2.FinishKeyGenerationRequest, ServerSide.finish),
        "AbortKeyGeneration": (key_service_pb2.AbortKeyGenerationRequest, ServerSide.abort),
        "GetKey": (key_service_pb2.GetKeyRequest, ServerSide.get),
        "ListKeys": (key_service_pb2.ListKeysRequest, ServerSide.list),
        "DisableKey": (key_service_pb2.DisableKeyRequest, ServerSide.disable),
        "DestroyKey": (key_service_pb2.DestroyKeyRequest, ServerSide.destroy),
    },
    "SigningService": {
        "SignDigest": (signing_service_pb2.SignDigestRequest, ServerSide.sign),
        "BatchSignDigests": (signing_service_pb2.BatchSignDigestsRequest, ServerSide.sign_batch),
    },
    "DecryptionService": {
        "CreatePartialDecryption": (
            decryption_service_pb2.CreatePartialDecryptionRequest,
            ServerSide.decrypt,
        )
    },
    "LeaseService": {"TakeLease": (lease_service_pb2.TakeLeaseRequest, ServerSide.take_lease)},
    "EnrolmentService": {"EnrolAgent": (enrolment_service_pb2.EnrolAgentRequest, ServerSide.enrol)},
}


@dataclass
class Behaviour:
    """What the server does wrong, and what it has seen. Names are those of the RPCs."""

    lies: dict[str, Lie] = field(default_factory=dict)
    lost_requests: dict[str, int] = field(default_factory=dict)
    """So many calls are answered UNAVAILABLE, before anything is done."""
    lost_answers: dict[str, int] = field(default_factory=dict)
    """So many calls are answered UNAVAILABLE, after all was done."""
    refusals: dict[str, FoursealError] = field(default_factory=dict)
    refused_once: dict[str, FoursealError] = field(default_factory=dict)
    """The next call alone."""
    seen: list[tuple[str, Message]] = field(default_factory=list)

    def reset(self) -> None:
        """Be honest again, and forget what was seen."""
        for memory in (
            self.lies,
            self.lost_requests,
            self.lost_answers,
            self.refusals,
            self.refused_once,
            self.seen,
        ):
            memory.clear()

    def calls(self, name: str) -> list[Any]:
        """The requests of one RPC."""
        return [request for seen, request in self.seen if seen == name]


@dataclass
class CheatingServer:
    """A running server.

    Args:
        address: "localhost:port" of all services, by mutual TLS.
        enrolment_address: "localhost:port" of the same, without a client certificate.
        authority: of both sides' certificates.
        side: what it does, and the keys it has.
        behaviour: what it does wrong; may be changed while it runs.
    """

    address: str
    enrolment_address: str
    authority: Authority
    side: ServerSide
    behaviour: Behaviour


@contextmanager
def cheating_server() -> Iterator[CheatingServer]:
    """Run a server in this process."""
    authority, behaviour = Authority(), Behaviour()
    side = ServerSide(authority)
    key = ec.generate_private_key(ec.SECP256R1())
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain_pem = authority.issue(key.public_key(), "localhost").public_bytes(Encoding.PEM)
    server = grpc.server(ThreadPoolExecutor(4))
    for service, rpcs in _RPCS.items():
        handlers = {name: _handler(name, kind, work, side, behaviour) for name, (kind, work) in rpcs.items()}
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(f"fourseal.v1.{service}", handlers)])
    port = server.add_secure_port("127.0.0.1:0", server_credentials(key_pem, chain_pem, authority.pem))
    enrolment_port = server.add_secure_port("127.0.0.1:0", server_credentials(key_pem, chain_pem, None))
    server.start()
    try:
        yield CheatingServer(f"localhost:{port}", f"localhost:{enrolment_port}", authority, side, behaviour)
    finally:
        server.stop(None).wait()


def _handler(
    name: str,
    kind: type[Message],
    work: Callable[[ServerSide, Any], Message],
    side: ServerSide,
    behaviour: Behaviour,
) -> grpc.RpcMethodHandler[Any, Any]:
    def answer(request: Message, context: grpc.ServicerContext) -> Message:
        behaviour.seen.append((name, request))
        if _take(behaviour.lost_requests, name):
            context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        try:
            refusal = behaviour.refused_once.pop(name, None) or behaviour.refusals.get(name)
            if refusal is not None:
                raise refusal
            response = work(side, request)
        except FoursealError as error:
            status = status_of(error)
            context.set_trailing_metadata(status.trailing_metadata)
            context.abort(status.code, status.message)
            raise
        copied = type(response)()
        copied.CopyFrom(response)
        if name in behaviour.lies:
            behaviour.lies[name](request, copied)
        if _take(behaviour.lost_answers, name):
            context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        return copied

    return grpc.unary_unary_rpc_method_handler(answer, kind.FromString, lambda message: message.SerializeToString())


def _take(counts: dict[str, int], name: str) -> bool:
    left = counts.get(name, 0)
    counts[name] = max(left - 1, 0)
    return left > 0
