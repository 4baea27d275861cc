"""The International Trade API on loopback, serving the real rows of a release."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import polars as pl


class ReplayedRelease:
    """The rows of one release, by endpoint; `address` is set while it is served."""

    def __init__(self, rows: Mapping[str, pl.DataFrame]) -> None:
        self.rows = rows
        self.address = ""
        self.asked: list[str] = []

    @contextmanager
    def served(self) -> Iterator[ReplayedRelease]:
        replayed = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                replayed.asked.append(self.path)
                body = replayed.answer(self.path)
                self.send_response(200 if body else 204)
                self.send_header("Content-Type", "application/json;charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def answer(self, path: str) -> bytes:
        """Header and rows as the API gives them: what was asked for, then the predicates.

        A variable that the release does not hold is null in each row.
        """
        parts = urlsplit(path)
        pairs = parse_qsl(parts.query)
        endpoint = "/".join(parts.path.split("/")[-2:])
        columns = [name for key, value in pairs if key == "get" for name in value.split(",")]
        wanted: dict[str, list[str]] = {}
        for key, value in pairs:
            if key not in ("get", "key"):
                wanted.setdefault(key, []).append(value)
        rows = self.rows.get(endpoint, pl.DataFrame()).lazy()
        available = rows.collect_schema().names()
        for name, values in wanted.items():
            if name == "time":
                first, _, last = values[0].removeprefix("from ").partition(" to ")
                rows = rows.filter(pl.col("time").is_between(pl.lit(first), pl.lit(last or first)))
            elif name in available:
                rows = rows.filter(pl.col(name).is_in(values))
            elif name == "DF":
                # No release here tells domestic from foreign goods.
                if "-" not in values:
                    return b""
                rows = rows.with_columns(pl.lit("-").alias("DF"))
            else:
                rows = rows.with_columns(pl.lit(values[0]).alias(name))
        header = [*columns, *(name for name in wanted)]
        frame = rows.collect()
        if frame.is_empty():
            return b""
        cells = [
            frame[name].to_list() if name in frame.columns else [None] * frame.height
            for name in header
        ]
        return json.dumps([header, *map(list, zip(*cells, strict=True))]).encode()
