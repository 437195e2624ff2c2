"""SoftHSM2, an HSM in software, for tests, benchmark and demo: tokens that can be taken out and put back."""

from softhsm.token import LABEL, PIN, SO_PIN, SoftHsmMissing, SoftToken, find_module, lay_out, new_token

__all__ = ["LABEL", "PIN", "SO_PIN", "SoftHsmMissing", "SoftToken", "find_module", "lay_out", "new_token"]
