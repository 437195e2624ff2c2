"""What holds for custody in the database holds for a token: tests of signing, with a token under the server."""

from __future__ import annotations

import pytest

from tests.server.signing.test_key_life import test_destroyed_key_leaves_no_share
from tests.server.signing.test_signing import (
    test_batch_has_a_result_an_item_in_order,
    test_concurrent_repeats_share_one_answer,
    test_decryption_key_does_not_sign,
    test_forged_partial_is_refused_and_the_client_blamed,
)

__all__ = [
    "test_batch_has_a_result_an_item_in_order",
    "test_concurrent_repeats_share_one_answer",
    "test_decryption_key_does_not_sign",
    "test_destroyed_key_leaves_no_share",
    "test_forged_partial_is_refused_and_the_client_blamed",
]

pytestmark = pytest.mark.usefixtures("in_token")
