"""A server on loopback with replies scripted by the test, including network faults."""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

JSON = "application/json"


@dataclass(frozen=True)
class ReceivedRequest:
    """One request as it arrived; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Answer = Callable[["_Handler"], None]


class Loopback:
    """Gives `answers` in turn, then whatever `otherwise` says."""

    def __init__(self, certificate: str | None = None) -> None:
        self.answers: deque[Answer] = deque()
        self.otherwise: Callable[[ReceivedRequest], Answer] = lambda seen: reply(
            404, b"nothing is written"
        )
        self.seen: list[ReceivedRequest] = []
        self._server = _Listener(("127.0.0.1", 0), _Handler)
        self._server.loopback = self
        self.scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.scheme = "https"

    def __enter__(self) -> Loopback:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self._server.server_address[1]}"


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    loopback: Loopback

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up, or do not trust the certificate, are what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        loopback = cast(_Listener, self.server).loopback
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = ReceivedRequest(self.command, self.path, headers, body)
        loopback.seen.append(seen)
        answer = loopback.answers.popleft() if loopback.answers else loopback.otherwise(seen)
        answer(self)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: `seen` says what came."""


def reply(status: int = 200, body: bytes = b"", content_type: str = JSON, **headers: str) -> Answer:
    """A whole reply; underscores in the names of headers stand for hyphens."""

    def answer(handler: _Handler) -> None:
        head(handler, status, content_type, len(body), **headers)
        handler.wfile.write(body)

    return answer


def head(
    handler: _Handler, status: int, content_type: str, length: int | None, **headers: str
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", content_type)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    if length is None:
        handler.send_header("Connection", "close")
        handler.close_connection = True
    elif status != 204:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()


def zipped(body: bytes, *, cut: int = 0) -> Answer:
    """The body as gzip; `cut` bytes are missing at its end, though the reply looks whole."""
    packed = gzip.compress(body, mtime=0)
    return reply(body=packed[: len(packed) - cut], Content_Encoding="gzip")


def zipped_in_two(body: bytes) -> Answer:
    half = len(body) // 2
    packed = gzip.compress(body[:half]) + gzip.compress(body[half:])
    return reply(body=packed, Content_Encoding="gzip")


def chunked(body: bytes, *, is_cut: bool = False) -> Answer:
    def answer(handler: _Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", JSON)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        if is_cut:
            hang_up(handler)
        else:
            handler.wfile.write(b"0\r\n\r\n")

    return answer


def cut(body: bytes) -> Answer:
    """Half of the length that was announced."""

    def answer(handler: _Handler) -> None:
        head(handler, 200, JSON, len(body))
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        handler.close_connection = True

    return answer


def without_length(body: bytes) -> Answer:
    def answer(handler: _Handler) -> None:
        head(handler, 200, JSON, None)
        handler.wfile.write(body)

    return answer


def zipped_without_length(body: bytes) -> Answer:
    """The checksum at its end shows that it is whole."""

    def answer(handler: _Handler) -> None:
        head(handler, 200, JSON, None, Content_Encoding="gzip")
        handler.wfile.write(gzip.compress(body))

    return answer


def dripping_without_length(body: bytes, seconds: float) -> Answer:
    def answer(handler: _Handler) -> None:
        head(handler, 200, JSON, None)
        _drip(handler, body, seconds)

    return answer


def dripping(body: bytes, seconds: float) -> Answer:
    """One byte at a time."""

    def answer(handler: _Handler) -> None:
        head(handler, 200, JSON, len(body))
        _drip(handler, body, seconds)

    return answer


def dripping_head(seconds: float) -> Answer:
    return lambda handler: _drip(handler, b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000, seconds)


def _drip(handler: _Handler, content: bytes, seconds: float) -> None:
    for place in range(len(content)):
        handler.wfile.write(content[place : place + 1])
        handler.wfile.flush()
        time.sleep(seconds)


def hang_up(handler: _Handler) -> None:
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def silent(handler: Any) -> None:
    """Accept the request and never answer."""
    time.sleep(1.0)
    handler.close_connection = True
