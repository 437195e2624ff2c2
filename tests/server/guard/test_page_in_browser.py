"""The page of the person who decides, in Chromium: somebody looks, chooses, and decides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Literal

import pytest
from playwright.async_api import Browser, Page, expect

from contract.announcements.contents import Check, Feedback, Side
from tests import chromium
from tests.server.guard.people import Case, Net
from tests.server.guard.test_flow import state_of
from tests.server.guard.test_operator import undetermined
from tests.server.guard.test_page import served

pytestmark = pytest.mark.asyncio(loop_scope="module")
browser = chromium.browser

LOOK: Final = """
() => {
  const found = [];
  const seen = (each) => each.getClientRects().length > 0;
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((each) => each / 255)
      .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (each) => {
    for (; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
  };
  if (document.documentElement.scrollWidth > innerWidth) found.push("scrolls sideways");
  for (const each of document.querySelectorAll("body *")) {
    if (!seen(each)) continue;
    const box = each.getBoundingClientRect(), style = getComputedStyle(each);
    const name = `${each.tagName} ${each.textContent.trim().slice(0, 30)}`;
    if (["BUTTON", "LABEL"].includes(each.tagName) && (box.height < 44 || box.width < 44)) found.push(`small: ${name}`);
    if (![...each.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) continue;
    const [dark, bright] = [light(style.color), light(ground(each))].sort((one, other) => one - other);
    if ((bright + 0.05) / (dark + 0.05) < 4.5) found.push(`pale: ${name}`);
  }
  return found;
}
"""


@asynccontextmanager
async def looking(
    browser: Browser, net: Net, case: Case, width: int = 1100, scheme: Literal["light", "dark"] = "light"
) -> AsyncIterator[Page]:
    """Somebody at an alarm. At the end: nothing came from elsewhere, and nothing went wrong in the page."""
    asked: list[str] = []
    told: list[str] = []
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    async with served(net) as shown:
        page = await context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("console", lambda message: told.append(message.text) if "policy" in message.text.lower() else None)
        await page.goto(shown.url)
        await page.get_by_role("button", name=f"{case.genuine.account} to {case.destination}").click()
        await expect(page.locator("#claim")).to_be_visible()
        yield page
        await context.close()
        assert {each.rpartition("/")[0] + "/" for each in asked} == {shown.url}
        assert told == []


async def choose(page: Page, case: Case, signer: str, what: str) -> None:
    """What the key of the genuine or the forged signer is."""
    key = getattr(case, signer).fingerprint.hex()[:16]
    await page.get_by_role("group", name=f"Key {key}").get_by_label(what).check()


@pytest.mark.parametrize(("width", "scheme"), [(1100, "light"), (390, "dark")])
async def test_an_alarm_is_looked_at_and_decided(
    browser: Browser, net: Net, width: int, scheme: Literal["light", "dark"]
) -> None:
    """Both keys are to be chosen, and the consequences read, before anything is decided."""
    case = await undetermined(net)
    await net.bob.tell_held((case.alarm_id, 3))
    async with looking(browser, net, case, width, scheme) as page:
        await expect(page.locator("[aria-current]")).to_contain_text("waits for you")
        await expect(page.locator("#stands")).to_have_text("undetermined: neither key was known before")
        await expect(page.locator("#facts")).to_contain_text("3 notices (3 at gateway-b); 3 of 3 gateways block")
        forged = page.get_by_role("group", name=f"Key {case.forged.fingerprint.hex()[:16]}")
        await expect(forged.get_by_role("table")).to_contain_text("gateway-m")
        decide = page.get_by_role("button", name="Decide…")
        await expect(decide).to_be_disabled()
        await choose(page, case, "genuine", "Genuine")
        await expect(decide).to_be_disabled()
        await choose(page, case, "forged", "An impostor's")
        assert await page.evaluate(LOOK) == []
        await decide.click()
        consequences = page.locator("#consequences")
        await expect(consequences).to_contain_text(f"{case.genuine.fingerprint.hex()[:16]} is {case.genuine.account}'s")
        await expect(consequences).to_contain_text(f"{case.forged.fingerprint.hex()[:16]} is an impostor's")
        assert await page.evaluate(LOOK) == []
        await page.get_by_role("button", name="Back").click()
        assert state_of(net, case) == "undetermined"
        await decide.click()
        await page.get_by_role("button", name="Yes, decide").click()
        await expect(page.get_by_role("alert")).to_contain_text("Decided.")
        await expect(page.locator("#stands")).to_have_text("decided: a person has decided")
        await expect(decide).to_be_hidden()
    assert state_of(net, case) == "decided"
    judgement = net.view(case).row.alarm.judgement
    assert judgement is not None
    assert (judgement.genuine, judgement.impostors) == ((case.genuine.fingerprint,), (case.forged.fingerprint,))


async def test_what_comes_in_meanwhile(browser: Browser, net: Net) -> None:
    """More traffic is shown, and what was chosen stays; a late answer of a gateway has it chosen anew."""
    case = net.case()
    await net.held(case)
    checks = {gateway.name: await gateway.next(Check, case.alarm_id) for gateway in net.gateways}
    for gateway in net.gateways:
        await gateway.answer(checks[gateway.name], [], None)
    assert state_of(net, case) == "undetermined"
    async with looking(browser, net, case) as page:
        await choose(page, case, "genuine", "Genuine")
        await choose(page, case, "forged", "An impostor's")
        await net.bob.tell_held((case.alarm_id, 9))
        await expect(page.locator("#facts")).to_contain_text("9 notices (9 at gateway-b)")
        await expect(page.locator("[aria-current]")).to_contain_text("9 notices")
        await expect(page.get_by_role("button", name="Decide…")).to_be_enabled()
        await page.get_by_role("button", name="Decide…").click()
        fact = case.fact(case.forged, "mallory", net.clock())
        await net.bob.send(net.bob.say(checks["gateway-b"], Feedback.of(Side.RECEIVER, [fact])))
        await expect(page.get_by_role("alert")).to_contain_text("Look at it again")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await expect(page.get_by_role("button", name="Decide…")).to_be_disabled()
        assert await page.locator("input:checked").count() == 0
        assert state_of(net, case) == "undetermined"
