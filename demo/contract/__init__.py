"""The sales contract that the demo signs: its text, the script that sets it, and the finished PDF.

``sales_contract.pdf`` is committed; only whoever changes the text needs ``python -m demo.contract`` and its font.
"""

from pathlib import Path
from typing import Final

CONTRACT_PDF: Final = Path(__file__).with_name("sales_contract.pdf")
"""The contract as both parties see it, three pages of A4."""
