"""A page of all keys, or of requests for certificates, begins at its place in an index."""

from alembic import op

revision = "0023"
down_revision = "0022"

_REQUESTS = "certificate_requests"
_PLACE = ["create_time", "certificate_request_id"]


def upgrade() -> None:
    """Make the indices, two of them in place of shorter ones."""
    op.create_index("ix_keys_create_time_key_id", "keys", ["create_time", "key_id"])
    op.create_index("ix_certificate_requests_by_account", _REQUESTS, ["account", *_PLACE])
    op.create_index("ix_certificate_requests_by_state", _REQUESTS, ["state", *_PLACE])
    op.create_index("ix_certificate_requests_by_time", _REQUESTS, _PLACE)
    op.drop_index("ix_certificate_requests_account_create_time", _REQUESTS)
    op.drop_index("ix_certificate_requests_state_create_time", _REQUESTS)


def downgrade() -> None:
    """Take that back."""
    op.create_index("ix_certificate_requests_account_create_time", _REQUESTS, ["account", "create_time"])
    op.create_index("ix_certificate_requests_state_create_time", _REQUESTS, ["state", "create_time"])
    for name in ("account", "state", "time"):
        op.drop_index(f"ix_certificate_requests_by_{name}", _REQUESTS)
    op.drop_index("ix_keys_create_time_key_id", "keys")
