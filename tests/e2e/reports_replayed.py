"""DataWeb and BEA on loopback, with a few consistent figures of one trade."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

# Type of report → title of a table → dollars by year.
Reports = Mapping[str, Mapping[str, Mapping[str, int]]]
# Indicator → millions by year, as published.
Accounts = Mapping[str, Mapping[str, str]]


@contextmanager
def served(reports: Reports, country: str, accounts: Accounts, area: str) -> Iterator[str]:
    """The address at which both publishers answer, for one partner of the United States."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            tables = [
                _table(title, country, by_year)
                for title, by_year in reports[asked["reportOptions"]["tradeType"]].items()
            ]
            self._answer({"dto": {"errors": [], "tables": tables}})

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            rows = [
                _account(indicator, area, year, value)
                for indicator in query["Indicator"][0].split(",")
                for year, value in accounts.get(indicator, {}).items()
            ]
            key = {"ParameterName": "USERID", "ParameterValue": query["UserID"][0]}
            self._answer(
                {"BEAAPI": {"Request": {"RequestParam": [key]}, "Results": {"Data": rows}}}
            )

        def _answer(self, reply: object) -> None:
            body = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _table(title: str, country: str, by_year: Mapping[str, int]) -> dict[str, object]:
    cells = [country, *(f"{dollars:,}" for dollars in by_year.values())]
    return {
        "tableInfo": {"dataToReportDesc": title},
        "column_groups": [{"columns": [{"label": label} for label in ("Country", *by_year)]}],
        "row_groups": [{"rowsNew": [{"rowEntries": [{"value": cell} for cell in cells]}]}],
    }


def _account(indicator: str, area: str, year: str, value: str) -> dict[str, str]:
    return {
        "Indicator": indicator,
        "AreaOrCountry": area,
        "Frequency": "A",
        "Year": year,
        "TimeSeriesId": "1",
        "TimeSeriesDescription": indicator,
        "TimePeriod": year,
        "CL_UNIT": "USD",
        "UNIT_MULT": "6",
        "DataValue": value,
        "NoteRef": "1",
    }
