"""The site served on the loopback address, for readers who prefer not to open files."""

from __future__ import annotations

import functools
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

from dagster_project.ui.guard import LOOPBACK, loopback_hosts

# A page loads only what is in the site, and runs only its script, whatever its data contain.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


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
    def send_head(self) -> BytesIO | BinaryIO | None:
        """Refuse what names another host, as a page of another site that points to here does."""
        hosts = self.headers.get_all("Host", [])
        _, port, *_ = self.request.getsockname()
        if len(hosts) != 1 or hosts[0].lower() not in loopback_hosts(port):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "This server answers to 127.0.0.1 only")
            return None
        if not unquote(self.path, "latin-1").isprintable():
            self.send_error(HTTPStatus.BAD_REQUEST, "An address has no control characters")
            return None
        return super().send_head()

    def translate_path(self, path: str) -> str:
        found = Path(super().translate_path(path)).resolve()
        # A link inside the folder could point outside it.
        inside = found.is_relative_to(Path(self.directory).resolve())
        return str(found) if inside else ""

    def list_directory(self, path: Any) -> None:
        self.send_error(HTTPStatus.NOT_FOUND, "No such page")

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Write no line per request to the terminal."""
