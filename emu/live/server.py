"""The server of the page: on 127.0.0.1 alone, and it only answers questions.

Nothing that comes in can change anything: there are no methods but GET, and no handler has anything
to act on. Pages of other sites are kept out by the Host header (DNS rebinding), by the absence of
CORS headers, and by a policy under which the page loads nothing from elsewhere.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler, StaticFileHandler

from emu.live.feed import encode
from emu.live.show import Show

ADDRESS = "127.0.0.1"
_STATIC = Path(__file__).parent / "static"
_MOST_VIEWERS = 100
_MOST_REQUEST_BYTES = 16384
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class _Guarded(RequestHandler):
    """What holds for every answer."""

    SUPPORTED_METHODS: ClassVar[tuple[str, ...]] = ("GET",)  # type: ignore[misc]

    def set_default_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def prepare(self) -> None:
        """Refuse who asks for another host: a name of an attacker's that leads here."""
        port = self.application.settings["port"]
        if self.request.host not in (f"{ADDRESS}:{port}", f"localhost:{port}"):
            raise HTTPError(421)

    def write_error(self, status_code: int, **_: Any) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code} {self._reason}\n")

    @property
    def show(self) -> Show:
        show: Show = self.application.settings["show"]
        return show


class _Page(_Guarded, StaticFileHandler):
    """The page and its modules."""


class _Missing(_Guarded):
    """Whatever else is asked for."""

    def get(self) -> None:
        raise HTTPError(404)


class _Runs(_Guarded):
    """Which runs there are."""

    def get(self) -> None:
        show = self.show
        self.write({"name": show.name, "live": show.live, "runs": show.numbers()})


class _Events(_Guarded):
    """A run's feed as server-sent events, from the beginning or from where a viewer was."""

    viewers: ClassVar[set[_Events]] = set()

    async def get(self, number: str) -> None:
        feed = await self.show.feed(int(number))
        if feed is None:
            raise HTTPError(404)
        if len(self.viewers) >= _MOST_VIEWERS:
            raise HTTPError(503)
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        last = self.request.headers.get("Last-Event-ID", "")
        start = int(last) + 1 if last.isascii() and last.isdigit() and len(last) < 10 else 0
        self.viewers.add(self)
        try:
            await self.flush()
            async for message in feed.messages(start):
                self.write(message or encode("clock", {"t": time.monotonic_ns()}))
                await self.flush()  # until the viewer has taken it: the next one waits for that
        except StreamClosedError:
            pass
        finally:
            self.viewers.discard(self)


def viewers() -> int:
    """How many read a run now."""
    return len(_Events.viewers)


@asynccontextmanager
async def serving(show: Show, port: int) -> AsyncIterator[str]:
    """Serve a show while this lasts; the page's address. OSError if the port cannot be had.

    Port 0 is any.
    """
    logging.getLogger("tornado.access").disabled = True
    sockets = bind_sockets(port, ADDRESS, family=socket.AF_INET)
    bound = sockets[0].getsockname()[1]
    routes: list[Any] = [
        (r"/runs\.json", _Runs),
        (r"/runs/(\d{1,9})/events", _Events),
        (r"/(|[a-z]+\.(?:css|html|js|svg))", _Page,
         {"path": _STATIC, "default_filename": "index.html"}),
    ]  # fmt: skip
    application = Application(routes, default_handler_class=_Missing, show=show, port=bound)
    server = HTTPServer(
        application, max_header_size=_MOST_REQUEST_BYTES, max_body_size=_MOST_REQUEST_BYTES
    )
    server.add_sockets(sockets)
    try:
        yield f"http://{ADDRESS}:{bound}/"
    finally:
        server.stop()
        await server.close_all_connections()
