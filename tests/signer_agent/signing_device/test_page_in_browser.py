"""The page in Chromium, on the screens of a small phone and a larger one: a user walks through it, and looks."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Literal

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Browser, Locator, Page, Route, expect

from contract.transactions.picture import REFRESHED, read_picture
from contract.transactions.progress import TransactionState
from contract.transactions.transaction import transaction_id
from signer_agent.signing_device.page import SIZE
from tests import chromium
from tests.contract.transactions.examples import TRANSACTION
from tests.signer_agent.signing_device.desks import PIN, Table, another, new_table
from tests.signer_agent.signing_device.page_user import served

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL: Final = (320, 568)
LARGE: Final = (390, 844)
MARKUP: Final = "<img/src=x/onerror=alert(1)><script>alert(2)</script>"
TURN_AWAY: Final = """
(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}
"""
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
  if (document.documentElement.scrollHeight > innerHeight) found.push("is higher than the screen");
  for (const each of document.querySelectorAll("#lines p")) {
    if (seen(each) && each.clientHeight > 2 * parseFloat(getComputedStyle(each).fontSize)) found.push("broken line");
  }
  for (const each of document.querySelectorAll("body *")) {
    if (!seen(each)) continue;
    const box = each.getBoundingClientRect(), style = getComputedStyle(each);
    const name = `${each.tagName} ${each.textContent.trim().slice(0, 30)}`;
    if (box.left < 0 || box.right > innerWidth) found.push(`sticks out: ${name}`);
    if (["BUTTON", "INPUT"].includes(each.tagName) && (box.height < 48 || box.width < 48)) found.push(`small: ${name}`);
    if (each.tagName === "BUTTON" && each.scrollWidth > each.clientWidth) found.push(`cut: ${name}`);
    if (![...each.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) continue;
    if (parseFloat(style.fontSize) < 16) found.push(`small letters: ${name}`);
    const [dark, bright] = [light(style.color), light(ground(each))].sort((one, other) => one - other);
    if ((bright + 0.05) / (dark + 0.05) < 4.5) found.push(`pale: ${name}`);
  }
  return found;
}
"""


browser = chromium.browser


class Phone:
    """A browser that shows the page of a table, and its user.

    Args:
        table: of the page.
        page: in the browser.
    """

    def __init__(self, table: Table, page: Page) -> None:
        self.table = table
        self.page = page
        self.code = page.locator("#code")

    def button(self, name: str) -> Locator:
        """By what stands on it."""
        return self.page.get_by_role("button", name=name, exact=True)

    async def tap(self, name: str) -> None:
        """As soon as it is possible."""
        await self.button(name).tap()

    async def read(self) -> None:
        """All pages, each to its end."""
        for number in range(self.table.desk.view.number, self.table.desk.view.count + 1):
            await expect(self.page.locator("#place")).to_have_text(f"{number} of {self.table.desk.view.count}")
            await self.page.locator("#end").scroll_into_view_if_needed()
            await self.look()
            if number < self.table.desk.view.count:
                await expect(self.button("Confirm")).to_be_disabled()
                await self.tap("Next page")

    async def look(self) -> None:
        """All is large enough, in its place and easy to tell from its ground."""
        assert await self.page.evaluate(LOOK) == []

    async def picture(self) -> str:
        """What a camera reads."""
        [found] = zxingcpp.read_barcodes(await self.screen())
        return found.text

    async def screen(self) -> Image.Image:
        """What is seen."""
        return Image.open(io.BytesIO(await self.page.screenshot()))


@asynccontextmanager
async def phone(
    browser: Browser, table: Table, size: tuple[int, int] = LARGE, scheme: Literal["light", "dark"] = "light"
) -> AsyncIterator[Phone]:
    """A browser at the page. At the end: nothing came from elsewhere, and nothing went wrong in it."""
    asked: list[str] = []
    told: list[str] = []
    viewport: Any = {"width": size[0], "height": size[1]}
    context = await browser.new_context(
        viewport=viewport, device_scale_factor=2, has_touch=True, is_mobile=True, color_scheme=scheme
    )
    async with served(table) as shown:
        page = await context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("dialog", lambda dialog: told.append(dialog.message))
        page.on("console", lambda message: told.append(message.text) if "policy" in message.text.lower() else None)
        await page.goto(shown.url)
        await expect(page.locator("#still")).to_have_text("Waiting for a terminal.")
        yield Phone(table, page)
        await context.close()
        assert {each.rpartition("/")[0] + "/" for each in asked} == {shown.url}
        assert told == []


@pytest.mark.parametrize(("size", "scheme"), [(LARGE, "light"), (SMALL, "dark")])
async def test_a_transaction_is_read_confirmed_and_used(
    browser: Browser, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    """The code and its picture are there from then on, and gone when the back end has them."""
    table = new_table(size=SIZE)
    async with phone(browser, table, size, scheme) as user:
        await user.look()
        await expect(user.button("Confirm")).to_be_hidden()
        await table.present()
        await user.read()
        await user.tap("Confirm")
        code = table.desk.code(table.revision)
        await expect(user.code).to_have_text(code.to_secret_groups())
        await expect(user.page.locator("#clock")).to_be_in_viewport(ratio=1)
        await expect(user.button("Done")).to_be_enabled()
        await user.look()
        assert await user.picture() == table.desk.picture(table.revision)
        table.office.states[transaction_id(TRANSACTION.digest)] = TransactionState.EXECUTED
        await table.desk.look_at_back_end()
        await expect(user.page.locator("#ended")).to_contain_text("The back end has the code: it is executed.")
        left = await user.page.content()
        assert code.to_secret_text() not in left
        assert code.to_secret_groups() not in left
        assert await user.page.locator("#modules").get_attribute("d") is None
        assert zxingcpp.read_barcodes(await user.screen()) == []
        await user.look()


async def test_a_picture_is_drawn_anew(browser: Browser) -> None:
    """With the time; and it is gone while nobody looks at the page, and when the agent is."""
    table = new_table(size=SIZE, refreshing=True)
    await table.shown()
    async with phone(browser, table) as user:
        await expect(user.code).not_to_be_empty()
        drawn = await user.page.locator("#modules").get_attribute("d")
        table.clock.pass_by(3.5)
        await expect(user.page.locator("#modules")).not_to_have_attribute("d", drawn or "")
        code = table.desk.code(table.revision)
        read = read_picture(await user.picture(), TRANSACTION.digest, table.clock.now, REFRESHED)
        assert read.is_same_as(code)
        await user.page.evaluate(TURN_AWAY, arg=True)
        await expect(user.code).to_be_empty()
        await user.page.evaluate(TURN_AWAY, arg=False)
        await expect(user.code).to_have_text(code.to_secret_groups())
        await user.page.context.set_offline(True)
        await expect(user.code).to_be_empty()
        assert code.to_secret_groups() not in await user.page.content()


async def test_words_of_others_are_words(browser: Browser) -> None:
    """Markup in a name or in the text is shown as it was written, and does nothing; what turns letters round is not."""
    table = new_table(size=SIZE)
    table.office.names["bob"] = MARKUP + "\u202e"
    async with phone(browser, table) as user:
        await table.present(replace(TRANSACTION, text=MARKUP))
        lines = user.page.locator("#lines")
        seen: list[str] = []
        for number in range(1, table.desk.view.count + 1):
            await expect(user.page.locator("#place")).to_have_text(f"{number} of {table.desk.view.count}")
            seen += await lines.locator("p").all_inner_texts()
            assert await lines.locator(":not(p)").count() == 0
            if number < table.desk.view.count:
                await user.tap("Next page")
        assert "".join(each[2:] for each in seen if each.startswith("> ")) == MARKUP
        name = seen.index("To:") + 1
        assert "".join(each[2:] for each in seen[name:]).startswith(MARKUP + "?bob")


async def test_a_page_must_be_scrolled_to_its_end(browser: Browser) -> None:
    """Where less of it is in sight, it is not turned before."""
    table = new_table(size=SIZE)
    async with phone(browser, table, (320, 400)) as user:
        await table.present()
        await expect(user.button("Refuse")).to_be_enabled()
        await expect(user.page.locator("#more")).to_be_visible()
        await expect(user.button("Next page")).to_be_disabled()
        await user.read()
        await expect(user.button("Confirm")).to_be_enabled()


async def test_a_pin_is_asked_for(browser: Browser) -> None:
    """A wrong one is told, and none stays in the page."""
    table = new_table(size=SIZE, asks_pin=True)
    async with phone(browser, table, SMALL) as user:
        await table.present()
        await user.read()
        pin = user.page.get_by_label("PIN or passphrase")
        await pin.fill("0000")
        await user.tap("Confirm")
        await expect(user.page.get_by_role("alert")).to_contain_text("Try again")
        await user.look()
        assert await pin.input_value() == ""
        await pin.fill(PIN)
        await pin.press("Enter")
        await expect(user.code).not_to_be_empty()
        assert await pin.input_value() == ""


async def test_a_tap_is_for_what_stands_there(browser: Browser) -> None:
    """A page that has not heard yet that another transaction is shown confirms neither."""
    table, hears = new_table(size=SIZE), True

    async def pass_on(route: Route) -> None:
        answer = await route.fetch()
        if hears:
            await route.fulfill(response=answer)

    async with phone(browser, table) as user:
        await user.page.route("**/view", pass_on)
        await table.present()
        await user.read()
        await expect(user.button("Confirm")).to_be_enabled()
        hears = False
        await table.desk.refuse(table.revision)
        await table.present(another(1))
        table.read()
        await user.tap("Confirm")
        await expect(user.page.get_by_role("alert")).to_contain_text("shows something else since")
        assert table.stage == "reading"
        assert table.desk.view.transaction == another(1).digest
        await user.page.unroute_all(behavior="ignoreErrors")
