"""How the guard is run, from the configuration."""

from __future__ import annotations

from datetime import timedelta

from contract.announcements.window import WindowLimits
from server.config import Settings
from server.guard import GuardTerms


def guard_terms(settings: Settings) -> GuardTerms:
    """How the guard is run, as the configuration says."""
    return GuardTerms(
        name=settings.guard_name,
        window=WindowLimits(
            window=timedelta(seconds=settings.guard_window_seconds),
            sightings=settings.guard_announcements,
            sightings_per_agent=min(settings.guard_announcements_per_agent, settings.guard_announcements),
        ),
        answer=timedelta(seconds=settings.guard_answer_seconds),
        announcements_per_minute=settings.guard_announcements_per_minute,
    )
