"""The browser, and a page in it that must stay silent: no console errors, no request to anywhere else."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright

from .scripted import ScriptedApp

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMEOUT = 8000


@dataclass
class Watched:
    """A page with what it complained about and whom it asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", lambda entry: self.complaints.append(entry.text) if entry.type != "log" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        self.requests.append(request.url)

    def foreign(self, home: str) -> list[str]:
        return [url for url in self.requests if not url.startswith(home + "/")]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all; missing, the tests are skipped on a desk and fail in CI."""
    if not CHROMIUM.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("没有 /usr/bin/chromium；CI 里要先安装 chromium")
        pytest.skip("没有 /usr/bin/chromium：apt-get install chromium fonts-noto-cjk")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def app(tmp_path: Path) -> AsyncIterator[ScriptedApp]:
    scripted = await ScriptedApp.create(tmp_path)
    await scripted.start()
    yield scripted
    await scripted.close()


OpenPage = Callable[..., Awaitable[Watched]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, app: ScriptedApp) -> AsyncIterator[OpenPage]:
    """Opens the chat in a fresh profile; `path` and the context's options may be given."""
    contexts: list[BrowserContext] = []

    async def opened(path: str = "/chat", **options: Any) -> Watched:
        options.setdefault("viewport", {"width": 375, "height": 812})
        context = await browser.new_context(locale="zh-CN", **options)
        contexts.append(context)
        context.set_default_timeout(TIMEOUT)
        watched = Watched(await context.new_page())
        watched.watch()
        await watched.page.goto(app.url + path)
        await watched.page.locator("#log > *, .panel [aria-pressed=true]").first.wait_for(state="attached")
        return watched

    yield opened
    for context in contexts:
        await context.close()
