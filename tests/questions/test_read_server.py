"""The local page of `bilateral read --open` serves its own form, and no page of another site."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from dagster_project.questions.read_server import MOST_BYTES, ReadServer, Unreadable


def judged(text: str, day: str, reporter: str) -> str:
    if "?" in text:
        raise Unreadable("no <text> was found in it.")
    return f"<p>{text}|{day}|{reporter}</p>"


@pytest.fixture
def server() -> Iterator[ReadServer]:
    with ReadServer(judged) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def ask(
    server: ReadServer, method: str, path: str = "/", body: str | None = None, **headers: str
) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=10)
    connection.request(
        method, path, body, {name.replace("_", "-"): v for name, v in headers.items()}
    )
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), dict(answer.getheaders())


def token_of(server: ReadServer) -> str:
    found = re.search(r'name="token" value="([^"]+)"', ask(server, "GET")[1])
    assert found
    return found[1]


def test_a_text_goes_in_and_its_page_comes_out(server: ReadServer) -> None:
    form = {"token": token_of(server), "text": "a & b", "published_on": "2017-08-18"}
    origin = server.address.rstrip("/")
    status, page, headers = ask(server, "POST", body=urlencode(form), Origin=origin)
    assert (status, page) == (200, "<p>a & b|2017-08-18|</p>")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert server.server_address[0] == "127.0.0.1"


def test_what_cannot_be_read_comes_back_with_the_reason(server: ReadServer) -> None:
    form = {"token": token_of(server), "text": "what? <b>"}
    status, page, _ = ask(server, "POST", body=urlencode(form))
    assert status == 200
    assert "no &lt;text&gt; was found in it." in page
    assert "what? &lt;b&gt;</textarea>" in page


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "rebound.example"}, 421),
        ({"Origin": "https://other.example"}, 421),
        ({"Origin": "null"}, 421),
    ],
)
def test_pages_of_other_sites_are_refused(
    server: ReadServer, headers: dict[str, str], status: int
) -> None:
    form = urlencode({"token": token_of(server), "text": "a"})
    assert ask(server, "POST", body=form, **headers)[0] == status


def test_a_form_without_the_token_of_the_page_is_refused(server: ReadServer) -> None:
    assert ask(server, "POST", body=urlencode({"text": "a"}))[0] == 403
    assert ask(server, "POST", body=urlencode({"text": "a", "token": "ä"}))[0] == 403


def test_too_much_and_no_form_are_refused(server: ReadServer) -> None:
    assert ask(server, "POST", body="x", Content_Length=str(MOST_BYTES + 1))[0] == 413
    assert ask(server, "POST", body="no form")[0] == 400
    assert ask(server, "GET", "/other")[0] == 404
    assert ask(server, "PUT")[0] == 501
