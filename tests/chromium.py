"""A browser that a module's tests share. A module takes it by naming it: ``browser = chromium.browser``."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """The system's own, started once."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs the program chromium")
    async with async_playwright() as playwright:
        # Its sandbox does not run as root.
        browser = await playwright.chromium.launch(executable_path=program, chromium_sandbox=os.geteuid() != 0)
        yield browser
        await browser.close()
