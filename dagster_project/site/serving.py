"""The site on this machine's own address, for whoever would rather not open files."""

from __future__ import annotations

import functools
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"


def server_of(site: Path) -> ThreadingHTTPServer:
    """A server on a free port of the loopback address; only files of the site are given out.

    The link is followed at each request: after the next `bilateral report` a reader who loads
    the page again sees the new one.
    """
    handler = functools.partial(_Handler, directory=str(site))
    return ThreadingHTTPServer((LOOPBACK, 0), handler)


def address_of(server: ThreadingHTTPServer) -> str:
    return f"http://{LOOPBACK}:{server.server_address[1]}/"


class _Handler(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        found = Path(super().translate_path(path)).resolve()
        # A link inside the folder would lead out of it.
        inside = found.is_relative_to(Path(self.directory).resolve())
        return str(found) if inside else ""

    def list_directory(self, path: Any) -> None:
        self.send_error(HTTPStatus.NOT_FOUND, "No such page")

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """A terminal that waits for Ctrl-C has no use for a line a request."""
