"""nginx in a host: a process of the run that starts it and logs what it serves. Config:

service, node, events   names and the event log
configuration           nginx's ``http`` block, without its logging
folder                  for its configuration, its temporary files, and what it says itself
transparent             optional: a port where it listens as a transparent proxy (see
                        ``agents.kernel.interception``)
disk                    optional: how many bytes there are for the folder ``cache`` in the folder
live                    optional: {"content", "begin_ns", "segment_ns"}: the video that the folder
                        ``live`` in the folder gets segment by segment
fill                    optional: what is to be asked for, by the socket ``fill`` in the folder,
                        before it serves; for caches

A server whose disk is full is ended, and an event ``disk_full`` says so: it would cut its answers
short. Each request that it has answered is an event ``http_request``, when the answer was given to
the kernel to send: ``seconds`` before that it began. nginx sends its log lines to a socket, which
gives them a time of the run's own clock; its own are to the millisecond, of another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import IO, Any

from agents.kernel import libc
from agents.roles.daemon import EventLog
from emu.services.live_video import LiveVideo

PORT = 80
LIVE = "live"
"""The folder of a live video."""
KEPT_FOR = "65s"
"""A connection that may serve more requests, if it may."""
_FIELDS = {
    "client": '"$remote_addr"',
    "port": "$remote_port",
    "method": '"$request_method"',
    "uri": '"$request_uri"',
    "range": '"$http_range"',
    "status": "$status",
    "bytes": "$body_bytes_sent",
    "seconds": "$request_time",
    "connection": "$connection",
    "request": "$connection_requests",
    "complete": '"$request_completion"',
    "cache": '"$upstream_cache_status"',
}
_LOG_FORMAT = "{" + ",".join(f'"{name}":{value}' for name, value in _FIELDS.items()) + "}"
_CONFIGURATION = """
daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    log_format requests escape=json '{log_format}';
    access_log syslog:server=unix:{socket},nohostname requests;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type application/octet-stream;
    types {{ application/dash+xml mpd; video/iso.segment m4s; }}
    tcp_nodelay on;
{http}
}}
"""
_LONGEST_LINE = 16384
_RETRY_S, _LOOK_S = 0.01, 0.2
_IPV6_TRANSPARENT = 75
_FULL = (os.strerror(errno.ENOSPC).encode(), b"has written only")
"""What nginx says when its disk is full, and when it gets full."""


class Server:
    """One nginx, for as long as ``serve`` runs."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._service = config["service"]
        self._log = EventLog(config["events"], config["node"])
        self._folder = Path(config["folder"])
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lines = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        path = self._folder / "log"
        path.unlink(missing_ok=True)
        self._lines.bind(str(path))
        text = _CONFIGURATION.format(
            folder=self._folder, socket=path, http=config["configuration"], log_format=_LOG_FORMAT
        )
        (self._folder / "nginx.conf").write_text(text, encoding="utf-8")
        if config.get("disk"):
            _mount(self._folder / "cache", config["disk"])
        self._is_full = False
        live = config.get("live")
        self._live = None
        if live is not None:
            self._live = LiveVideo(
                Path(live["content"]), self._folder / LIVE, live["begin_ns"], live["segment_ns"]
            )

    async def serve(self) -> None:
        """Serve until SIGTERM; SystemExit, with a line, if nginx ends before."""
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        loop.add_reader(self._lines, self._take)
        if self._live is not None:
            self._film(self._live)
        nginx = self._start()
        assert nginx.stderr is not None
        os.set_blocking(nginx.stderr.fileno(), False)
        loop.add_reader(nginx.stderr, self._complained, nginx, nginx.stderr)
        while not stopped.is_set() and nginx.poll() is None and not self._listens():
            await asyncio.sleep(_RETRY_S)
        if not stopped.is_set() and nginx.poll() is None:
            await asyncio.to_thread(self._fill)
            self._log.write("service_ready", service=self._service)
        while not stopped.is_set() and (self._is_full or nginx.poll() is None):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stopped.wait(), _LOOK_S)
        if nginx.poll() is not None and not self._is_full:
            sys.exit(f"nginx of {self._service} ended with status {nginx.returncode}")
        nginx.terminate()
        nginx.wait()
        self._take()

    def _film(self, live: LiveVideo) -> None:
        """Give out the segments of a live video that have come to their end, now and later."""
        due = live.advance(time.monotonic_ns())
        if due is not None:
            wait_s = max(0, due - time.monotonic_ns()) / 1e9
            asyncio.get_running_loop().call_later(wait_s, self._film, live)

    def _start(self) -> subprocess.Popen[bytes]:
        """nginx, with a socket that listens already if it is to be a transparent one.

        It takes over what the variable NGINX lists, as from a binary that it replaces.
        """
        (self._folder / "nginx.pid").unlink(missing_ok=True)  # of one that was killed
        command = ["nginx", "-c", str(self._folder / "nginx.conf")]
        port = self._config.get("transparent")
        if port is None:
            return _spawn(command)
        with socket.socket(socket.AF_INET6) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.setsockopt(socket.IPPROTO_IPV6, _IPV6_TRANSPARENT, 1)
            listening.bind(("::", port))
            listening.listen()
            descriptor = listening.fileno()
            environment = {**os.environ, "NGINX": f"{descriptor};"}
            return _spawn(command, pass_fds=[descriptor], env=environment)

    def _complained(self, nginx: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        """Pass on what nginx says, and end it when its disk is full."""
        text = os.read(said.fileno(), _LONGEST_LINE)
        if not text:
            asyncio.get_running_loop().remove_reader(said)
        os.write(sys.stderr.fileno(), text)
        if any(words in text for words in _FULL) and not self._is_full:
            self._is_full = True
            self._log.write("disk_full", service=self._service)
            nginx.terminate()

    def _listens(self) -> bool:
        """Whether nginx answers: its pid file comes when it has read its configuration."""
        return (self._folder / "nginx.pid").exists()

    def _fill(self) -> None:
        """Ask for all that a cache is to have from the start."""
        for name in self._config.get("fill", ()):
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(str(self._folder / "fill"))
                asking.sendall(f"GET /{name} HTTP/1.0\r\nHost: fill\r\n\r\n".encode())
                answer = asking.makefile("rb").read()
            if not answer.startswith(b"HTTP/1.1 200 "):
                sys.exit(f"{self._service} could not be filled with {name}")

    def _take(self) -> None:
        """Log the requests that were answered."""
        while True:
            try:
                line = self._lines.recv(_LONGEST_LINE)
            except BlockingIOError:
                return
            _, _, text = line.partition(b": ")
            fields = json.loads(text)
            fields["complete"] = fields["complete"] == "OK"
            fields["cache"] = fields["cache"] or None
            fields["range"] = fields["range"] or None
            self._log.write("http_request", service=self._service, **fields)


def _spawn(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start nginx, which ends when this process does."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=partial(libc.set_parent_death_signal, signal.SIGTERM),
        **options,
    )


def _mount(folder: Path, size: int) -> None:
    """Have a file system of so many bytes in a folder, for this process and its children."""
    folder.mkdir(exist_ok=True)
    libc.unshare_mounts()
    options = f"size={size}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "cache", str(folder)], check=True)


def main(config: dict[str, Any]) -> None:
    """Be a web server until told to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        asyncio.run(Server(config).serve())
    finally:
        shutil.rmtree(config["folder"], ignore_errors=True)
