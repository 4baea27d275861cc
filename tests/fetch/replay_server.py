"""A server on loopback that answers like the publishers, with faults when wanted.

As a program it lets a person try the command: it prints the variables to set. Its world is
synthetic, so a build refuses data fetched from it: negative freight, parts above totals.

    PYTHONPATH=tests python -m fetch.replay_server --port 8099 --seed 7 --faults 0.2
"""

from __future__ import annotations

import argparse
import gzip
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from fetch.publishers import PUBLISHERS
from fetch.publishers.publisher import Answer, Asked, Publisher, Row, Wrong, html
from fetch.publishers.world import World

Fault = Literal[
    "too_many",
    "too_many_seconds",
    "too_many_date",
    "unavailable",
    "broken",
    "dropped",
    "slow",
    "cut",
    "cut_chunked",
    "page",
    "empty",
    "overload",
    "wrong_type",
    "repeated",
    "reordered",
    "unknown",
    "changed_column",
    "elsewhere",
    "echo",
]
# After these the request has to be sent again; after the harmless ones the rows are the same.
PASSING: tuple[Fault, ...] = (
    "too_many",
    "too_many_seconds",
    "too_many_date",
    "unavailable",
    "broken",
    "dropped",
    "cut",
    "cut_chunked",
    "page",
    "empty",
    "overload",
    "wrong_type",
)
HARMLESS: tuple[Fault, ...] = ("slow", "repeated", "reordered")
_MOST_IN_A_ROW = 3
_PAUSE_OF_A_DRIP = 0.002

Phase = Literal["asked", "half_sent", "sent"]


@dataclass(frozen=True)
class Faults:
    """Which sending of which request meets which fault: decided by the seed alone."""

    seed: int = 0
    share: float = 0.0
    kinds: tuple[Fault, ...] = (*PASSING, *HARMLESS)

    def of(self, identity: str, turn: int) -> Fault | None:
        """The fault of the n-th sending; never more than a few in a row."""
        if not self.share or not self.kinds:
            return None
        recent = [self._drawn(identity, one) for one in range(max(1, turn - 99), turn + 1)]
        in_a_row = 0
        for fault in recent[:-1]:
            in_a_row = in_a_row + 1 if fault and in_a_row < _MOST_IN_A_ROW else 0
        return recent[-1] if in_a_row < _MOST_IN_A_ROW else None

    def _drawn(self, identity: str, turn: int) -> Fault | None:
        chance = random.Random(f"{self.seed} {turn} {identity}")
        return chance.choice(self.kinds) if chance.random() < self.share else None


@dataclass(frozen=True)
class Sent:
    """One sending as the server saw it; `key` is what came as key, `text` all that came."""

    source_id: str
    identity: str
    fault: Fault | None
    key: str | None
    text: str


class ReplayServer:
    """Serves a world on a port of loopback for as long as it is entered.

    `world`, `faults` and `always` may be changed between fetches; `always` is a fault that
    every request meets. `keys` are the right keys by source: a source that is not among
    them is served without asking for one. `on_phase` is told of each sending as it goes on,
    and may take its time.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        keys: Mapping[str, str] | None = None,
        faults: Faults | None = None,
        port: int = 0,
    ) -> None:
        self.world = world or World()
        self.keys = dict(keys or {})
        self.faults = faults or Faults()
        self.always: Fault | None = None
        self.elsewhere = "http://127.0.0.1:9/"
        # Whether a publisher's own clock stands still, so that equal replies have equal bytes.
        self.is_steady = False
        self.on_phase: Callable[[int, Phase], None] = lambda number, phase: None
        self.sent: list[Sent] = []
        self._turns: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._http = _Listener(("127.0.0.1", port), _Handler)
        self._http.replay = self

    def __enter__(self) -> ReplayServer:
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def asked(self) -> Counter[str]:
        """How often each request came, by its identity."""
        with self._lock:
            return Counter(sent.identity for sent in self.sent)

    def forget(self) -> None:
        """Begin counting again; faults go on where they were."""
        with self._lock:
            self.sent.clear()

    def take(self, asked: Asked) -> tuple[int, Asked, Publisher | None, Fault | None]:
        """Note one sending: its number, and who is asked and what is to go wrong."""
        publisher = next(
            (one for one in PUBLISHERS.values() if asked.path.startswith(one.paths)), None
        )
        identity = publisher.identity(asked) if publisher else f"{asked.method} {asked.path}"
        with self._lock:
            self._turns[identity] += 1
            turn = self._turns[identity]
            fault = self.always or self.faults.of(identity, turn)
            source_id = publisher.source_id if publisher else ""
            key = publisher.key_of(asked) if publisher else None
            self.sent.append(Sent(source_id, identity, fault, key, str(asked)))
            asked = replace(asked, turn=1 if self.is_steady else turn)
            return len(self.sent), asked, publisher, fault

    def answer(self, asked: Asked, publisher: Publisher, fault: Fault | None) -> Answer:
        """What the publisher says, without faults of the wire."""
        match fault:
            case "too_many":
                return Answer("text/plain", b"Too many requests", 429)
            case "too_many_seconds":
                return Answer("text/plain", b"Too many requests", 429, (("Retry-After", "1"),))
            case "too_many_date":
                when = formatdate(time.time() + 1, usegmt=True)
                return Answer("text/plain", b"Too many requests", 429, (("Retry-After", when),))
            case "unavailable":
                return Answer("text/html", html("503", "Service Unavailable"), 503)
            case "broken":
                return Answer("text/plain", b"Internal Server Error", 500)
            case "page":
                return Answer("text/html", html("Maintenance", "We will be back soon."))
            case "echo":
                return _echo(asked, 400 if asked.turn % 2 else 500)
            case "elsewhere":
                return Answer("text/plain", b"", 302, (("Location", self.elsewhere),))
        right = self.keys.get(publisher.source_id)
        place = publisher.key_place
        given = publisher.key_of(asked)
        is_missing = given is None and place is not None and place.is_required
        if right is not None and (is_missing or given not in (None, right)):
            return publisher.bad_key(asked)
        match fault:
            case "overload":
                return publisher.overload(asked)
            case "unknown":
                return publisher.unknown(asked)
        try:
            rows = publisher.rows(asked, self.world)
        except Wrong as wrong:
            return wrong.answer
        rows = _twisted(rows, asked, fault)
        answer = publisher.render(asked, rows, self.world, is_changed=fault == "changed_column")
        if fault == "empty":
            return replace(answer, status=200, body=b"")
        if fault == "wrong_type":
            return replace(answer, content_type="video/mp4")
        return answer


def _echo(asked: Asked, status: int) -> Answer:
    """A server that tells everybody what it was told, in the address and in its headers."""
    told = f"{asked.method} {asked.path}?{urlencode(asked.parameters)} {asked.parameters}"
    return Answer(
        "text/plain",
        f"Bad request: {told} {dict(asked.headers)}".encode(),
        status,
        (("X-Asked", told.replace(chr(10), " ")), ("WWW-Authenticate", str(asked.headers))),
    )


def _twisted(rows: list[Row], asked: Asked, fault: Fault | None) -> list[Row]:
    chance = random.Random(f"{asked.turn} {asked.path} {asked.parameters}")
    if fault == "reordered":
        return chance.sample(rows, len(rows))
    if fault == "repeated" and rows:
        start = chance.randrange(len(rows))
        return [*rows, *rows[start : start + 1 + len(rows) // 3]]
    return rows


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    replay: ReplayServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is killed leaves a broken connection; anything else is a defect here."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # ty: ignore


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the server's own lists say what came."""

    def _serve(self) -> None:
        replay = cast(_Listener, self.server).replay
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(
            method=self.command,
            path=parts.path,
            parameters=tuple(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        number, asked, publisher, fault = replay.take(asked)
        replay.on_phase(number, "asked")
        if fault == "dropped":
            self._hang_up()
            return
        if publisher is None:
            answer = Answer("text/html", html("404", "Not Found"), 404)
        else:
            answer = replay.answer(asked, publisher, fault)
        self._send(asked, answer, fault, lambda phase: replay.on_phase(number, phase))

    def _send(
        self, asked: Asked, answer: Answer, fault: Fault | None, tell: Callable[[Phase], None]
    ) -> None:
        body = answer.body
        # A part of the replies goes compressed, and a part in pieces, as publishers' do.
        chance = random.Random(f"{asked.path} {asked.parameters}")
        is_zipped = chance.random() < 0.3 and "gzip" in asked.headers.get("accept-encoding", "")
        is_chunked = fault == "cut_chunked" or (chance.random() < 0.3 and fault != "cut")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status == 204:
            self.end_headers()
            tell("sent")
            return
        if is_zipped and body:
            self.send_header("Content-Encoding", "gzip")
            body = gzip.compress(body, mtime=0)
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        half = len(body) // 2
        pieces = [body[:half], body[half:]]
        if fault == "slow":
            size = max(1, len(body) // 8)
            pieces = [body[start : start + size] for start in range(0, len(body), size)]
        for place, piece in enumerate(pieces):
            if place == 1 and fault in ("cut", "cut_chunked"):
                self._hang_up()
                return
            if piece:
                self._write(piece, is_chunked)
            if place == 0:
                tell("half_sent")
            if fault == "slow":
                time.sleep(_PAUSE_OF_A_DRIP)
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        tell("sent")

    def _write(self, piece: bytes, is_chunked: bool) -> None:
        if is_chunked:
            piece = b"%x\r\n%s\r\n" % (len(piece), piece)
        self.wfile.write(piece)
        self.wfile.flush()

    def _hang_up(self) -> None:
        """Close abruptly, so that the client cannot mistake it for the end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--edition", type=int, default=0, help="what the publishers say by then")
    parser.add_argument("--faults", type=float, default=0.0, help="share of replies that fail")
    chosen = parser.parse_args()
    world = World(seed=chosen.seed, edition=chosen.edition)
    keys = {name: f"key-of-{name}" for name, one in PUBLISHERS.items() if one.key_place}
    faults = Faults(seed=chosen.seed, share=chosen.faults)
    with ReplayServer(world, keys=keys, faults=faults, port=chosen.port) as server:
        out = sys.stdout.write
        for name in PUBLISHERS:
            out(f"export BILATERAL_ADDRESS_{name.upper()}={server.address}\n")
        for name, key in keys.items():
            out(f"export BILATERAL_KEY_{name.upper()}={key}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            out(f"{len(server.sent)} requests\n")


if __name__ == "__main__":
    main()
