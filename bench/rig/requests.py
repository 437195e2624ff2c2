"""Requests made ahead, with their client halves, and the check of what came back for them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from fourseal.v1 import signing_service_pb2

from bench.errors import BenchFailed
from bench.load.orders import write_requests
from bench.rig.client import ClientKey
from mpc.engines import Gmpy2Engine
from mpc.four_prime_rsa import EncodedMessage, JointPublicKey, SignatureAlgorithm, create_partial_signature
from wire.convert import signature_algorithm_to_proto
from wire.ids import new_request_id

ALGORITHM = SignatureAlgorithm.PSS_SHA256


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRequests:
    """A file of requests, each for another digest, with a salt, a request id and a client half of its own."""

    path: Path
    joint_key: JointPublicKey
    digests: Sequence[bytes]

    def check(self, signatures: Iterable[tuple[int, bytes]]) -> int:
        """Verify signatures by ``cryptography``, which knows nothing of joint keys; return how many there were.

        Args:
            signatures: each with the place of its request in the order; orders go round the file.

        Raises:
            BenchFailed: one does not hold.
        """
        return check_signatures(
            self.joint_key, ((self.digests[place % len(self.digests)], signature) for place, signature in signatures)
        )


def check_signatures(joint_key: JointPublicKey, signed: Iterable[tuple[bytes, bytes]]) -> int:
    """Verify pairs of digest and signature; see ``PreparedRequests.check``."""
    public_key, count = joint_key.to_cryptography(), 0
    scheme, prehashed = ALGORITHM.to_cryptography_padding(), Prehashed(ALGORITHM.hash.to_cryptography())
    for digest, signature in signed:
        try:
            public_key.verify(signature, digest, scheme, prehashed)
        except InvalidSignature:
            raise BenchFailed("a joint signature made over gRPC does not hold") from None
        count += 1
    return count


def prepare_requests(key: ClientKey, count: int, path: Path, key_ids: Sequence[str] = ()) -> PreparedRequests:
    """Make that many requests, on all cores that this process may use, and write them to a file.

    Args:
        key: signs.
        count: how many requests.
        path: the file.
        key_ids: ids under which the server has copies of the key, asked for in turns; none: the key's own.
    """
    digests = [secrets.token_bytes(ALGORITHM.hash.digest_size) for _ in range(count)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        requests = threads.map(partial(_request, key), cycle(key_ids or [key.key_id]), digests)
        write_requests(path, list(requests))
    return PreparedRequests(path, key.joint_key, digests)


def _request(key: ClientKey, key_id: str, digest: bytes) -> bytes:
    salt = secrets.token_bytes(ALGORITHM.salt_length)
    message = EncodedMessage(key.joint_key, ALGORITHM, digest, salt)
    partial = create_partial_signature(key.share, message, Gmpy2Engine(), secrets.token_bytes)
    return signing_service_pb2.SignDigestRequest(
        request_id=new_request_id(),
        key_id=key_id,
        algorithm=signature_algorithm_to_proto(ALGORITHM),
        digest=digest,
        salt=salt,
        client_partial=partial.to_bytes(),
    ).SerializeToString()
