"""What dash.js says in its browser is heard; set-up installs what was published, or nothing."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from emu.requirements import CHROMIUM, DASHJS, missing_programs
from emu.services import kinds
from emu.services.devtools import PAGE, Page

ROOT = Path(__file__).resolve().parents[2]


class Browser:
    """The browser's end of a connection, which answers before it is waited for."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[str | None] = asyncio.Queue()
        self.asked: list[dict[str, Any]] = []
        self._looks = 0

    async def write_message(self, text: str) -> None:
        message = json.loads(text)
        self.asked.append(message)
        results: dict[str, Any] = {
            "Target.getTargets": {
                "targetInfos": [
                    {"targetId": "A", "url": "chrome://newtab"},
                    {"targetId": "B", "url": f"file:///tmp/{PAGE}"},
                ]
            },
            "Target.attachToTarget": {"sessionId": "S"},
            "Runtime.evaluate": self._value(message["params"].get("expression", "")),
        }
        result = results.get(message["method"], {})
        if message["params"].get("expression") == "slow":
            return
        await self._messages.put(json.dumps({"id": message["id"], "result": result}))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _value(self, expression: str) -> dict[str, Any]:
        if expression == "wrong":
            return {"exceptionDetails": {"exception": {"description": "wrong is not defined"}}}
        self._looks += "typeof" in expression
        return {"result": {"value": self._looks > 1}}

    async def read_message(self) -> str | None:
        return await self._messages.get()

    def says(self, **told: Any) -> None:
        """The page calls its binding."""
        called = {"method": "Runtime.bindingCalled", "params": {"payload": json.dumps(told)}}
        self._messages.put_nowait(json.dumps(called))

    def end(self) -> None:
        """The connection closes."""
        self._messages.put_nowait(None)


def test_the_page_is_found_told_and_heard() -> None:
    async def main() -> None:
        browser = Browser()
        page = Page(browser)
        listening = asyncio.create_task(page.listen())
        await page.attach()
        attached = next(one for one in browser.asked if one["method"] == "Target.attachToTarget")
        assert attached["params"]["targetId"] == "B"
        await page.run("play()")
        assert browser.asked[-1]["sessionId"] == "S"
        with pytest.raises(RuntimeError, match="wrong is not defined"):
            await page.run("wrong")
        browser.says(kind="playing", position_s=0.5)
        assert await page.told.get() == {"kind": "playing", "position_s": 0.5}
        unanswered = asyncio.create_task(page.run("slow"))
        await asyncio.sleep(0)
        browser.end()
        with pytest.raises(ConnectionError):
            await unanswered
        assert await page.told.get() == {"kind": "player_ended", "reason": "the browser ended"}
        await listening

    asyncio.run(asyncio.wait_for(main(), 60))


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("setup_dashjs", ROOT / "setup" / "dashjs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    return module


def test_set_up_installs_nothing_but_what_was_published(
    setup: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def another(url: str, timeout: float) -> io.BytesIO:
        asked.append(url)
        return io.BytesIO(b"something else")

    monkeypatch.setattr(urllib.request, "urlopen", another)
    setup.main()
    assert asked == [setup.URL] * setup.ATTEMPTS
    assert "not what was published" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.js"))


def test_without_a_network_set_up_goes_on_and_says_so(
    setup: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(url: str, timeout: float) -> io.BytesIO:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(urllib.request, "urlopen", refused)
    setup.main()
    assert capsys.readouterr().err.endswith(
        "setup: no dash.js: players of the program dashjs cannot be used\n"
    )


def test_who_lacks_the_browser_or_dashjs_is_told_what_installs_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setattr("emu.requirements.search_path", lambda: str(tmp_path))
    assert missing_programs([CHROMIUM, DASHJS]) == [
        "chromium (players in a browser): sudo apt-get install chromium",
        "dash.js (players in a browser): make setup-demo",
    ]
    services = {"tv": {"kind": "player", "node": "mn1", "origin": "video", "program": "dashjs"}}
    (tv,) = kinds.of_record(services)
    assert tv.programs == (CHROMIUM, DASHJS)
