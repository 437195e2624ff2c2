"""What may follow a signature: further signatures and revocation data, and nothing that shows.

pyHanko's policy compares every later revision, object by object. Ours is stricter in one thing: a signature field that
shows must have been there before, for a new one could cover the text with its appearance.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DocInfoRule,
    DSSCompareRule,
    FormUpdatingRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    SuspiciousModification,
    XrefStreamRule,
)


class _InvisibleFieldsOnly(SigFieldCreationRule):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def apply(self, context: Any) -> Iterable[Any]:  # noqa: ANN401
        for level, update in super().apply(context):
            if level > ModificationLevel.LTA_UPDATES:
                raise SuspiciousModification("a field that shows was put in after a signature")
            yield level, update


_POLICY: Final = StandardDiffPolicy(
    global_rules=[
        CatalogModificationRule(),
        *(
            rule.as_qualified(ModificationLevel.LTA_UPDATES)
            for rule in (DocInfoRule(), XrefStreamRule(), ObjectStreamRule(), DSSCompareRule(), MetadataUpdateRule())
        ),
    ],
    form_rule=FormUpdatingRule(field_rules=[_InvisibleFieldsOnly(), SigFieldModificationRule()]),
)


def only_signed(reader: PdfFileReader, old: int, new: int, permission: int | None = None) -> bool:
    """Whether one revision differs from another only in signatures and revocation data.

    Args:
        reader: of the file.
        old: number of the earlier revision, from 0.
        new: number of the later one.
        permission: what the signature of the earlier one allows (DocMDP, ISO 32000-1 table 254): 1 nothing, 2 forms.
    """
    try:
        found = _POLICY.apply(reader.get_historical_resolver(old), reader.get_historical_resolver(new))
    except SuspiciousModification:
        return False
    return permission is None or found.modification_level.value <= permission
