"""`bilateral report`: its pairs, its messages and where it writes the site."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from dagster_project.cli import app
from dagster_project.site import serving

Run = Callable[..., Result]


def test_a_site_is_written_once_and_found_again(bilateral: Run, tmp_path: Path) -> None:
    # The pair that has least, so that the test is about the command.
    arguments = ("report", "--reporter", "USA", "--partner", "census:0003")
    first = bilateral(*arguments, "--out", str(tmp_path / "site"))
    assert first.exit_code == 0, first.stderr
    summary = r" (\S+/index\.html): (\d+) pages, [0-9.]+ MB, content ([0-9a-f]{12})"
    [(address, said, content)] = re.findall(summary, first.stdout)
    assert address == f"{tmp_path}/site/index.html"
    folder = (tmp_path / "site").resolve()
    pages = list(folder.rglob("*.html"))
    assert int(said) == len(pages) > 1
    written = {page: page.stat().st_mtime_ns for page in pages}
    assert re.search(r"Pages: \d+ done", first.stderr)
    again = bilateral(*arguments, "--out", str(tmp_path / "site"))
    assert again.exit_code == 0
    assert re.findall(summary, again.stdout) == [(address, said, content)]
    assert again.stdout.splitlines()[0] != first.stdout.splitlines()[0]
    assert (tmp_path / "site").resolve() == folder
    assert {page: page.stat().st_mtime_ns for page in folder.rglob("*.html")} == written


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--reporter", "USA"), "--partner "),
        (("--partner", "KOR"), "--reporter "),
        (("--reporter", "USA", "--partner", "Narnia"), "--partner: .*'Narnia'"),
        (("--reporter", "census:0003", "--partner", "USA"), "--reporter: .*'census:0003'"),
        (("--reporter", "USA", "--partner", "usa"), "--partner: United States "),
    ],
)
def test_a_pair_that_cannot_be_shown_is_refused(
    bilateral: Run, tmp_path: Path, arguments: tuple[str, ...], named: str
) -> None:
    result = bilateral("report", *arguments, "--out", str(tmp_path / "site"))
    assert result.exit_code == 2
    assert re.match(f"Error: {named}", result.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("reporter", "partner", "named"),
    [
        # The partners that there are, or how to list the reporters.
        ("KOR", "JPN", r"South Korea .*Japan\b.* USA\.$"),
        ("NOR", "KOR", r"Norway .*South Korea\b.* bilateral sql \".*marts\.trade_by_year\"$"),
    ],
)
def test_a_pair_without_data_has_a_page_that_says_so(
    bilateral: Run, tmp_path: Path, reporter: str, partner: str, named: str
) -> None:
    arguments = ("report", "--reporter", reporter, "--partner", partner)
    result = bilateral(*arguments, "--out", str(tmp_path / "site"))
    assert result.exit_code == 0, result.stderr
    assert re.match(f"Note: .*{named}", result.stderr.splitlines()[0])
    page = tmp_path / "site" / f"{reporter}-{partner}".lower() / "index.html"
    assert 'class="absence"' in page.read_text(encoding="utf-8")
    assert "<svg" not in page.read_text(encoding="utf-8")


def test_a_folder_of_somebody_else_is_left_alone(bilateral: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    result = bilateral("report", "--out", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {tmp_path} ")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_without_a_warehouse_the_next_step_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["report"], env={"BILATERAL_DATA_HOME": str(tmp_path)})
    assert result.exit_code == 2
    assert "make build" in result.stderr


def test_a_warehouse_of_an_older_version_needs_a_build(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.claims (claim_id varchar)")
    result = CliRunner().invoke(app, ["report"], env={"BILATERAL_DATA_HOME": str(tmp_path)})
    assert result.exit_code == 2
    assert "`bilateral build`" in result.stderr
    assert not (tmp_path / "report").exists()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, int]]:
    (tmp_path / "secret.txt").write_text("not for browsers")
    folder = tmp_path / "site"
    (folder / "inner").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>the site</h1>")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    with serving.server_of(folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[0], server.server_address[1]
        server.shutdown()


def test_it_is_served_to_this_machine_and_nothing_beside_it(served: tuple[str, int]) -> None:
    def status(path: str, method: str = "GET") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(*served, timeout=10)
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()

    assert served[0] == "127.0.0.1"
    assert status("/") == (200, b"<h1>the site</h1>")
    for path in (
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/inner/../../secret.txt",
        "/out.txt",
        "/inner/",
    ):
        code, body = status(path)
        assert code == 404, path
        assert b"not for browsers" not in body
    assert status("/", "POST")[0] == 501


def test_open_serves_until_it_is_interrupted(environment: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            *(str(Path(sys.executable).with_name("bilateral")), "report", "--open"),
            *("--reporter", "USA", "--partner", "census:0003", "--out", str(tmp_path / "site")),
        ],
        # A browser that only shows that it was asked.
        env={**os.environ, **environment, "BROWSER": "echo opened %s"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        said = next(line for line in lines if "Serving http" in line)
        [(host, port)] = re.findall(r"http://([0-9.]+):(\d+)/", said)
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()


def answered(
    served: tuple[str, int], path: str, host: str | None = None
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(*served, timeout=10)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{served[1]}")
    connection.endheaders()
    return connection.getresponse()


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/%00", "/index.html%00.png", "/inner%0a", "/%1b[2J", "/%7f"])
def test_an_address_with_control_characters_is_a_bad_request(
    served: tuple[str, int], path: str
) -> None:
    assert answered(served, path).status == 400
    assert answered(served, "/").status == 200


def test_the_site_answers_to_this_machine_by_its_own_names_only(served: tuple[str, int]) -> None:
    for name in ("127.0.0.1", "localhost", "LOCALHOST"):
        assert answered(served, "/", f"{name}:{served[1]}").status == 200
    for other in ("evil.example", f"evil.example:{served[1]}", "127.0.0.1:1", "127.0.0.1"):
        assert answered(served, "/", other).status == 421, other


def test_every_answer_says_what_a_page_may_do(served: tuple[str, int]) -> None:
    for path in ("/", "/missing"):
        headers = answered(served, path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
