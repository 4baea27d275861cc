"""Keeps pages of other sites from using a web server of this machine through a browser.

A server on the loopback address has no password: whoever can make a browser send requests could use
it. A page of another site can do so in two ways. It sends requests from its own origin, which
browsers name in `Origin`; or its host name is made to point to this machine, which `Host` shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = "127.0.0.1"
LOOPBACK_NAMES = (LOOPBACK, "localhost", "[::1]")
_GRAPHQL = "/graphql"
_PAGE = "text/html"
# What a browser does not send across sites without asking the server first.
_JSON = "application/json"
_CLOSE_POLICY = 1008


def loopback_hosts(port: int) -> frozenset[str]:
    """The values of `Host` by which this machine is addressed."""
    names = {f"{name}:{port}" for name in LOOPBACK_NAMES}
    return frozenset(names | set(LOOPBACK_NAMES if port == 80 else ()))


class Guard:
    """An ASGI application in front of Dagster's.

    Refuses another `Host` or `Origin`, for requests and web sockets; queries by GET, since Dagster
    also runs mutations by GET; and queries whose body is not JSON. No page may be shown in a frame.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        problem = self._problem(scope)
        if problem is None:
            await self._app(scope, receive, _unframed(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _CLOSE_POLICY, "reason": problem[1]})
        else:
            await _refuse(send, *problem)

    def _problem(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return HTTPStatus.MISDIRECTED_REQUEST, "This server answers to 127.0.0.1 only."
        if any(origin.lower() not in self._origins for origin in origins):
            return HTTPStatus.FORBIDDEN, "Pages of other sites may not use this server."
        if scope["type"] == "websocket" or scope["path"].rstrip("/") != _GRAPHQL:
            return None
        is_page = _PAGE in ",".join(_values(scope, b"accept"))
        if scope["method"] in ("GET", "HEAD") and (scope["query_string"] or not is_page):
            return HTTPStatus.METHOD_NOT_ALLOWED, "Send GraphQL by POST."
        kinds = [kind.partition(";")[0].strip().lower() for kind in _values(scope, b"content-type")]
        if scope["method"] == "POST" and kinds != [_JSON]:
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send GraphQL as {_JSON}."
        return None


def _values(scope: Scope, name: bytes) -> list[str]:
    """All values of a header, whose name is in lower case."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _unframed(send: Send) -> Send:
    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"x-frame-options", b"DENY")]
            message = {**message, "headers": headers}
        await send(message)

    return send_with_header


async def _refuse(send: Send, status: HTTPStatus, reason: str) -> None:
    body = reason.encode() + b"\n"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
