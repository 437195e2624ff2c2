"""What a caller asks for when it asks for a re-key: the same again as was asked for the key, or what is under way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from signer_agent.client.keyring import Keyring
from signer_agent.keystore.entries import GenerationRequest
from signer_agent.keystore.store import KeyStore
from signer_agent.requests import checked_key_name
from wire.catalogue import ServiceError
from wire.ids import check_request_id, new_request_id


def rekey_request(
    store: KeyStore, keyring: Keyring, key: str, request_id: str | None, now: datetime
) -> GenerationRequest:
    """See ``AsyncAgent.rekey``. Reads files.

    Who names no request goes on with the re-key of that key that was interrupted, if there is one.

    Raises:
        FoursealError: KEY_NOT_FOUND, LABEL_AMBIGUOUS, SHARE_MISSING, REQUEST_ID_REUSED, REQUEST_ID_MALFORMED, and those
            of the key store.
    """
    checked_key_name(key)
    if request_id is not None:
        check_request_id(request_id)
        done = (record.request for record in store.records())
        known = next((each for each in (*_under_way(store), *done) if each.request_id == request_id), None)
        if known is not None and not _is_rekey_of(known, key):
            raise ServiceError("REQUEST_ID_REUSED")
    else:
        known = next((each for each in _under_way(store) if _is_rekey_of(each, key)), None)
    if known is not None:
        return known
    key_id = keyring.key_id(key)
    record = store.key(key_id)
    if record is None:
        raise ServiceError("SHARE_MISSING", key_id=key_id)
    return replace(
        record.request, request_id=request_id or new_request_id(), create_time=now, replaces_key_id=record.key_id
    )


def _under_way(store: KeyStore) -> Iterator[GenerationRequest]:
    for request_id in store.request_ids():
        pending = store.pending_generation(request_id)
        if pending is not None:
            yield pending.request


def _is_rekey_of(request: GenerationRequest, key: str) -> bool:
    return bool(request.replaces_key_id) and key in (request.replaces_key_id, request.label)
