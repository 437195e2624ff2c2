"""The one error of the benchmark."""

from __future__ import annotations


class BenchFailed(Exception):
    """A part that is measured did not do its work, or did it wrong: there is nothing to report."""
