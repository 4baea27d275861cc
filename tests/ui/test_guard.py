"""Tests that pages of other sites cannot use Dagster's web interface through a browser."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_ROOT
from dagster_project.ui.guard import Guard, loopback_hosts

_WORKSPACE = """load_from:
  - python_module:
      module_name: empty_location
      location_name: empty
"""
_QUERY = "{ version }"
_MUTATION = "mutation { wipeAssets(assetPartitionRanges: []) { __typename } }"
_STARTS_WITHIN = 90


@pytest.fixture(scope="module")
def port(takes_long: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real server of a code location without assets."""
    folder = tmp_path_factory.mktemp("ui")
    (folder / "workspace.yaml").write_text(_WORKSPACE)
    (folder / "empty_location.py").write_text("import dagster as dg\ndefs = dg.Definitions()\n")
    (folder / "home").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(folder / "home"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": os.pathsep.join((str(PROJECT_ROOT), str(folder))),
    }
    command = [sys.executable, "-m", "dagster_project.ui.webserver", "--port", str(number)]
    with subprocess.Popen(
        [*command, "--workspace", str(folder / "workspace.yaml")],
        cwd=folder,
        env=environment,
        start_new_session=True,
    ) as server:
        try:
            wait_for(number, server)
            yield number
        finally:
            os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


def wait_for(port: int, server: subprocess.Popen) -> None:
    for _ in range(_STARTS_WITHIN * 10):
        assert server.poll() is None, "the server has ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"no server within {_STARTS_WITHIN} seconds")


def ask(
    port: int, method: str, path: str, headers: Mapping[str, str], body: str | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in {"Host": f"127.0.0.1:{port}", **headers}.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(None if body is None else body.encode())
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def graphql(port: int, query: str, **headers: str) -> tuple[int, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(
        port,
        "POST",
        "/graphql",
        {"Content-Type": "application/json", **named},
        json.dumps({"query": query}),
    )


def test_this_machine_uses_it_as_before(port: int) -> None:
    status, text = graphql(port, _QUERY)
    assert (status, "version" in json.loads(text)["data"]) == (200, True)
    assert graphql(port, _QUERY, Origin=f"http://127.0.0.1:{port}")[0] == 200
    assert (
        graphql(port, _QUERY, Host=f"localhost:{port}", Origin=f"http://localhost:{port}")[0] == 200
    )
    for path in ("/", "/assets", "/graphql"):
        status, text = ask(port, "GET", path, {"Accept": "text/html"})
        assert (status, "<html" in text.lower()) == (200, True), path


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1:1", "", "localhost.evil.example:{port}"],
)
def test_another_host_is_refused(port: int, host: str) -> None:
    named = host.format(port=port)
    assert graphql(port, _QUERY, Host=named)[0] in (400, 421)
    assert ask(port, "GET", "/", {"Host": named})[0] in (400, 421)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1:1", "null", "https://127.0.0.1:{port}"]
)
def test_another_origin_is_refused(port: int, origin: str) -> None:
    named = origin.format(port=port)
    assert graphql(port, _MUTATION, Origin=named)[0] == 403
    assert ask(port, "POST", "/report_asset_materialization/a", {"Origin": named}, "{}")[0] == 403


def test_nothing_is_run_by_get(port: int) -> None:
    from urllib.parse import quote

    for query in (_QUERY, _MUTATION):
        for headers in ({}, {"Accept": "text/html"}, {"Accept": "*/*"}):
            for path in ("/graphql", "/graphql/"):
                status, text = ask(port, "GET", f"{path}?query={quote(query)}", headers)
                assert status == 405, text


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/graphql", ""]
)
def test_a_body_that_any_page_may_send_is_refused(port: int, kind: str) -> None:
    assert graphql(port, _MUTATION, Content_Type=kind)[0] == 415


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}", 101),
        ("127.0.0.1:{port}", "https://evil.example", 403),
        ("evil.example", "http://evil.example", 403),
    ],
)
def test_web_sockets_are_guarded_as_well(port: int, host: str, origin: str, status: int) -> None:
    request = (
        "GET /graphql HTTP/1.1\r\n"
        f"Host: {host.format(port=port)}\r\nOrigin: {origin.format(port=port)}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: graphql-ws\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request.encode())
        assert connection.recv(64).split()[1] == str(status).encode()


def test_no_page_is_shown_in_a_frame_of_another(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/")
    assert connection.getresponse().headers["X-Frame-Options"] == "DENY"
    connection.close()


@pytest.mark.parametrize("scheme", ["http", "websocket"])
def test_the_guard_passes_on_what_this_machine_asks_and_nothing_else(scheme: str) -> None:
    passed: list[Mapping[str, object]] = []

    async def dagster(scope: Mapping[str, object], receive: object, send: object) -> None:
        passed.append(scope)

    async def receive() -> dict[str, object]:
        return {}

    async def send(message: Mapping[str, object]) -> None:
        answers.append(message)

    guard = Guard(dagster, loopback_hosts(3000))
    for host, is_passed in [
        (b"127.0.0.1:3000", True),
        (b"LOCALHOST:3000", True),
        (b"127.0.0.1:3001", False),
        (b"evil.example:3000", False),
    ]:
        passed.clear()
        answers: list[Mapping[str, object]] = []
        scope = {
            "type": scheme,
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "headers": [(b"host", host)],
        }
        # Nothing is awaited that would need an event loop.
        with pytest.raises(StopIteration):
            guard(scope, receive, send).send(None)
        assert (bool(passed), bool(answers)) == (is_passed, not is_passed), host


def test_make_dev_starts_the_guarded_server() -> None:
    recipe = (PROJECT_ROOT / "Makefile").read_text().split("\ndev:", 1)[1].split("\n\n", 1)[0]
    assert "python -m dagster_project.ui" in recipe
    assert "dg dev" not in recipe
    assert Path(PROJECT_ROOT / "dagster_project/ui/__main__.py").is_file()
