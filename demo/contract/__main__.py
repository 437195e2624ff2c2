"""``python -m demo.contract``: sets the contract again, after a change of its text.

Needs fpdf2 and Debian's package fonts-noto-cjk; nothing else in the repository does. The same text with the same
versions of both gives the same bytes.
"""

from demo.contract import CONTRACT_PDF
from demo.contract.typeset import build

build(CONTRACT_PDF)
print(f"wrote {CONTRACT_PDF.name}, {CONTRACT_PDF.stat().st_size} bytes")
