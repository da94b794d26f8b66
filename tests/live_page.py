"""The live page as a viewer has it: a server of its own, and a browser without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.lab.emu_run import command

NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@contextmanager
def replaying(record: Path) -> Iterator[str]:
    """The address of a record's page, while ``emu replay`` serves it."""
    process = subprocess.Popen(command("replay", record), stdout=subprocess.PIPE, encoding="utf-8")
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0]
    finally:
        process.terminate()
        assert process.wait(10) == 0


@contextmanager
def browser_page(address: str, allowed: str = "\0", **options: Any) -> Iterator[Page]:
    """A browser's page at an address; AssertionError if it asks for anything elsewhere.

    Or if the browser complains of anything but what has ``allowed`` in it.
    """
    os.environ.setdefault("PLAYWRIGHT_BROWSERS_PATH", "0")  # where set-up puts one if it must
    arguments = [NO_NETWORK, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        chromium = playwright.chromium
        browser = chromium.launch(
            executable_path=shutil.which("chromium", path="/usr/bin"), args=arguments
        )
        page = browser.new_page(**options)
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        yield page
        browser.close()
    assert [url for url in asked if not url.startswith(address)] == []
    assert [words for words in complaints if allowed not in words] == []


def wait_for_end(page: Page, run: int = 1) -> None:
    """Until the page has all of a run of a record."""
    page.locator("#state", has_text=f"replay of run {run}").wait_for()


def seek(page: Page, seconds: float) -> None:
    """Stop at a moment of the run, by the slider."""
    if page.locator("#play").inner_text() == "Pause":
        page.locator("#play").click()
    page.locator("#time").evaluate(
        "(slider, at) => { slider.value = at; slider.dispatchEvent(new Event('input')); }", seconds
    )
    run = page.locator("#run").input_value()
    page.locator(f'body[data-shown="{run} {seconds:.2f}"]').wait_for()


def rows(page: Page, panel: str) -> list[list[str]]:
    """The rows of a table, first cell first."""
    found: list[list[str]] = page.locator(f"#panel-{panel} tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return found


def drawn(page: Page, what: str) -> list[str]:
    """The words of all elements of the drawing that a selector finds."""
    found: list[str] = page.locator(f"#topology {what}").evaluate_all(
        "found => found.map(one => one.textContent)"
    )
    return found
