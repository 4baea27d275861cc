"""The site served on the loopback address, for readers who prefer not to open files."""

from __future__ import annotations

import functools
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"


def server_of(site: Path) -> ThreadingHTTPServer:
    """A server on a free port of the loopback address; it serves only files of the site.

    The link is resolved at each request: after the next `bilateral report`, a reload shows the
    new page.
    """
    handler = functools.partial(_Handler, directory=str(site))
    return ThreadingHTTPServer((LOOPBACK, 0), handler)


def address_of(server: ThreadingHTTPServer) -> str:
    return f"http://{LOOPBACK}:{server.server_address[1]}/"


class _Handler(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        found = Path(super().translate_path(path)).resolve()
        # A link inside the folder could point outside it.
        inside = found.is_relative_to(Path(self.directory).resolve())
        return str(found) if inside else ""

    def list_directory(self, path: Any) -> None:
        self.send_error(HTTPStatus.NOT_FOUND, "No such page")

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Write no line per request to the terminal."""
