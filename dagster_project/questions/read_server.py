"""The local page of `bilateral read --open`: paste a text, and see each figure judged."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

from dagster_project.questions.read_page import form_page
from dagster_project.ui.guard import LOOPBACK, loopback_hosts

# A text of a million characters, with each of them escaped.
MOST_BYTES = 12 * 1024 * 1024
_MOST_FIELDS = 10
# The page sends its form to this server and loads nothing.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)

# Makes the page of a text: its words, its publication date and the country whose figures it tells.
Judge = Callable[[str, str, str], str]


class Unreadable(ValueError):
    """A text that cannot be read or judged; the message says why and what to do."""


class ReadServer(HTTPServer):
    """A server on a free port of the loopback address, for one reader at a time.

    Pages of other sites cannot use it: they are refused by `Host` and `Origin`, and a text is
    judged only with the token of the page that this server has made.
    """

    def __init__(self, judge: Judge) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.judge = judge
        self.token = secrets.token_urlsafe()

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    # A sender that stops in the middle does not hold the server.
    timeout = 60

    @property
    def _server(self) -> ReadServer:
        if not isinstance(self.server, ReadServer):
            raise TypeError("a handler of ReadServer alone")
        return self.server

    def do_GET(self) -> None:
        if self._is_refused():
            return
        if self.path != "/":
            self.send_error(HTTPStatus.NOT_FOUND, "No such page")
            return
        self._send(form_page(self._server.token))

    def do_POST(self) -> None:
        if self._is_refused():
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The text is too long")
            return
        try:
            body = self.rfile.read(int(length)).decode()
            sent = parse_qs(body, max_num_fields=_MOST_FIELDS, strict_parsing=True)
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST, "Not a form of this page")
            return
        fields = {name: values[0] for name, values in sent.items()}
        if not secrets.compare_digest(
            fields.get("token", "").encode(), self._server.token.encode()
        ):
            self.send_error(HTTPStatus.FORBIDDEN, "Reload the page, and send the text again")
            return
        text, day, reporter = (fields.get(one, "") for one in ("text", "published_on", "reporter"))
        try:
            page = self._server.judge(text, day, reporter)
        except Unreadable as error:
            self._send(form_page(self._server.token, text, day, reporter, str(error)))
            return
        self._send(page)

    def _is_refused(self) -> bool:
        """Refuse what a page of another site sends, by its `Host` or `Origin`."""
        hosts = self.headers.get_all("Host", [])
        origins = self.headers.get_all("Origin", [])
        allowed = loopback_hosts(self._server.server_address[1])
        own = {f"http://{host}" for host in allowed}
        is_own = all(origin.lower() in own for origin in origins)
        if is_own and len(hosts) == 1 and hosts[0].lower() in allowed:
            return False
        self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "This server answers to 127.0.0.1 only")
        return True

    def _send(self, page: str) -> None:
        content = page.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        # With `no-referrer`, browsers would hide the origin of the form from this server too.
        self.send_header("Referrer-Policy", "same-origin")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write no line per request to the terminal: it would name nothing but the page."""
