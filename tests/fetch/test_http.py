"""Tests of the HTTP client: requests, replies and error handling."""

from __future__ import annotations

import gzip
import logging
import re
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from fetch.loopback import (
    Answer,
    Loopback,
    chunked,
    cut,
    dripping,
    dripping_head,
    dripping_without_length,
    hang_up,
    reply,
    silent,
    without_length,
    zipped,
    zipped_in_two,
    zipped_without_length,
)
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dagster_project.fetch.client import Client, RetryPolicy
from dagster_project.fetch.keys import gateway_of
from dagster_project.settings import Secret, Settings, SettingsError
from dagster_project.sources import formats
from dagster_project.sources.connector import (
    KeyUse,
    Limits,
    QuotaSpent,
    Refused,
    Reply,
    Request,
    SourceInfo,
    Terms,
    TryAgain,
)

KEY = "Pl4nted+Key/0f=Tests"
REQUEST = Request("https://api.example.org/v1/data", (("get", "A,B"), ("time", "2016-01")))
BODY = b'{"rows": [["KOR", "2016-01", "1.5"]]}' * 50
NO_WAITS = RetryPolicy(scale=0)
ABOUT = SourceInfo(
    source_id="small_source",
    title="",
    gives="",
    coverage="",
    levels=("total",),
    hosts=("api.example.org", "files.example.org"),
    limits=Limits(1e12, None, None, max_bytes=100_000, timeout_seconds=5.0),
    key=KeyUse("query", "key", is_required=False, obtained_at="https://example.org/keys"),
    terms=Terms("public domain", is_redistributable=True),
    calendar="",
    verified=True,
    verified_against="nothing",
)

OpenClient = Callable[..., Client]


@pytest.fixture
def open_client(tmp_path: Path, server: Loopback) -> Iterator[OpenClient]:
    opened: list[Client] = []

    def open_(
        about: SourceInfo = ABOUT,
        *,
        key: str | None = KEY,
        gateway: str = server.address,
        retry: RetryPolicy = NO_WAITS,
        **changes: Any,
    ) -> Client:
        settings = Settings(
            tmp_path,
            tmp_path,
            None,
            keys={} if key is None else {about.source_id: Secret(key)},
            addresses={about.source_id: gateway},
        )
        opened.append(Client(settings, about, retry=retry, **changes))
        return opened[-1]

    yield open_
    for client in opened:
        client.__exit__()


def whole(answer: Reply) -> bytes:
    """A connector's examination: half a reply is no reply."""
    if answer.content != BODY:
        raise TryAgain("cut short")
    return answer.content


def limited(**changes: Any) -> SourceInfo:
    return replace(ABOUT, limits=replace(ABOUT.limits, **changes))


def test_a_request_arrives_as_the_connector_wrote_it(
    server: Loopback, open_client: OpenClient
) -> None:
    server.answers.append(reply(body=BODY, content_type="Application/JSON; charset=utf-8"))
    request = Request(
        REQUEST.address,
        (("time", "from 2010-01 to 2018-12"), ("I_COMMODITY", "8703*"), ("get", "A,B")),
        accept=("application/json",),
    )
    answer = open_client(key=None).send(request)
    assert answer == Reply(200, "application/json", BODY)
    seen = server.seen[0]
    assert seen.path == "/v1/data?time=from+2010-01+to+2018-12&I_COMMODITY=8703*&get=A,B"
    assert seen.headers["accept"] == "application/json"
    assert "python" not in seen.headers["user-agent"]


def test_a_body_is_posted_as_json(server: Loopback, open_client: OpenClient) -> None:
    server.answers.append(reply(body=BODY))
    open_client().send(replace(REQUEST, method="POST", body=b'{"a": 1}'))
    seen = server.seen[0]
    assert (seen.method, seen.body) == ("POST", b'{"a": 1}')
    assert seen.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("place", "name"), [("query", "key"), ("header", "subscription-key"), ("bearer", "")]
)
def test_the_key_is_sent_where_the_source_expects_it_and_nowhere_else(
    server: Loopback,
    open_client: OpenClient,
    place: Literal["query", "header", "bearer"],
    name: str,
) -> None:
    server.answers.append(reply(body=BODY))
    use = KeyUse(place, name, is_required=True, obtained_at="")
    open_client(replace(ABOUT, key=use)).send(REQUEST)
    seen = server.seen[0]
    plain = "/v1/data?get=A,B&time=2016-01"
    in_query = seen.path == f"{plain}&key=Pl4nted%2BKey%2F0f%3DTests"
    assert in_query == (place == "query")
    assert in_query or seen.path == plain
    assert (seen.headers.get("subscription-key") == KEY) == (place == "header")
    assert (seen.headers.get("authorization") == f"Bearer {KEY}") == (place == "bearer")


def test_a_key_that_is_percent_encoded_already_is_not_encoded_twice(
    server: Loopback, open_client: OpenClient
) -> None:
    server.answers.append(reply(body=BODY))
    open_client(key="Pl4nted%2BKey%3D%3D").send(REQUEST)
    assert server.seen[0].path.endswith("&key=Pl4nted%2BKey%3D%3D")


PASSING: dict[str, Answer] = {
    "429": reply(429, b"Too many"),
    "429 with seconds": reply(429, b"Too many", Retry_After="3"),
    "429 with a date": reply(429, b"Too many", Retry_After="Fri, 01 Jan 2016 00:00:00 GMT"),
    "408": reply(408),
    "500": reply(500, b"Internal"),
    "502": reply(502, b"<html>Bad gateway</html>", content_type="text/html"),
    "503": reply(503, b"", Retry_After="nonsense"),
    "dropped": hang_up,
    "cut": cut(BODY),
    "cut chunk": chunked(BODY, is_cut=True),
    "cut gzip": zipped(BODY, cut=9),
    "gzip without its end": zipped(BODY, cut=4),
    "no gzip at all": reply(body=BODY, Content_Encoding="gzip"),
    "half without a length": without_length(BODY[: len(BODY) // 2]),
    "whole without a length": without_length(BODY),
    "thousands of empty gzip members": reply(
        body=gzip.compress(b"", mtime=0) * 4_000, Content_Encoding="gzip"
    ),
}
GOOD: tuple[Answer, ...] = (
    reply(body=BODY),
    zipped(BODY),
    zipped_in_two(BODY),
    chunked(BODY),
    zipped_without_length(BODY),
)


@pytest.mark.slow
@given(st.lists(st.sampled_from(sorted(PASSING)), max_size=7), st.sampled_from(GOOD))
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_faults_before_the_last_attempt_do_not_change_the_bytes(
    server: Loopback, open_client: OpenClient, faults: list[str], good: Answer
) -> None:
    server.seen.clear()
    server.answers.extend([*(PASSING[fault] for fault in faults), good])
    repeats: list[str] = []
    assert open_client().fetch(REQUEST, whole, repeats.append) == BODY
    assert len(server.seen) == len(faults) + 1
    assert len(repeats) == len(faults)


@pytest.mark.parametrize("fault", sorted(PASSING))
def test_a_lasting_fault_ends_after_the_last_attempt(
    server: Loopback, open_client: OpenClient, fault: str
) -> None:
    server.otherwise = lambda _: PASSING[fault]
    with pytest.raises(TryAgain, match=r"\b8\b"):
        open_client().fetch(REQUEST, whole)
    assert len(server.seen) == 8


def test_every_attempt_is_counted(
    server: Loopback, open_client: OpenClient, tmp_path: Path
) -> None:
    server.answers.extend([PASSING["500"], PASSING["dropped"]])
    server.otherwise = lambda _: reply(body=BODY)
    about = limited(per_day_with_key=4)
    client = open_client(about)
    client.fetch(REQUEST, whole)
    client.fetch(REQUEST, whole)
    assert client.sent == 4
    with pytest.raises(QuotaSpent, match=r"small_source: .*\b4\b"):
        client.fetch(REQUEST, whole)
    assert len(server.seen) == 4


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"Retry_After": "40"}, (40, 40)),
        ({"Retry_After": format_datetime(NOON + timedelta(seconds=50), usegmt=True)}, (50, 50)),
        (
            {
                "Retry_After": "Fri, 01 Jan 2016 00:02:00 GMT",
                "X_Date": "Fri, 01 Jan 2016 00:00:00 GMT",
            },
            (1, 1),
        ),
        ({"Retry_After": "0"}, (1, 1)),
        ({"Retry_After": "-5"}, (1, 2)),
        ({}, (1, 2)),
    ],
)
def test_retry_after_is_honoured(
    server: Loopback,
    open_client: OpenClient,
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
    waits: tuple[float, float],
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setattr(
        "http.server.BaseHTTPRequestHandler.date_time_string", lambda *_: "no date at all"
    )
    server.answers.extend([reply(503, **headers), reply(body=BODY)])
    open_client(retry=RetryPolicy(), clock=lambda: NOON).fetch(REQUEST, whole)
    (wait,) = waited
    assert waits[0] <= wait <= waits[1]


def test_a_retry_date_is_read_by_the_publishers_clock(
    server: Loopback, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setattr(
        "http.server.BaseHTTPRequestHandler.date_time_string",
        lambda *_: "Fri, 01 Jan 2016 00:00:00 GMT",
    )
    server.answers.extend(
        [reply(429, Retry_After="Fri, 01 Jan 2016 00:02:00 GMT"), reply(body=BODY)]
    )
    open_client(retry=RetryPolicy(), clock=lambda: NOON).fetch(REQUEST, whole)
    assert waited == [120.0]


def test_waits_double_up_to_the_longest(
    server: Loopback, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    server.otherwise = lambda _: reply(500)
    with pytest.raises(TryAgain):
        open_client(retry=RetryPolicy()).fetch(REQUEST, whole)
    shortest = [1, 2, 4, 8, 16, 32, 60]
    assert all(
        least <= wait <= min(60, least + 1) for wait, least in zip(waited, shortest, strict=True)
    )


@pytest.mark.parametrize(
    ("status", "error"), [(429, QuotaSpent), (403, QuotaSpent), (503, TryAgain)]
)
def test_a_requested_wait_of_hours_ends_the_fetch(
    server: Loopback, open_client: OpenClient, status: int, error: type[Exception]
) -> None:
    server.answers.append(reply(status, Retry_After="7200"))
    with pytest.raises(error, match=rf"HTTP {status}.*2026-11-21 14:00 UTC"):
        open_client(clock=lambda: NOON).fetch(REQUEST, whole)
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_is_not_retried(
    server: Loopback, open_client: OpenClient, status: int
) -> None:
    server.otherwise = lambda _: reply(status, b"Access denied")
    with pytest.raises(
        Refused, match=rf"small_source: GET .*HTTP {status} \(.Access denied.\).*example.org/keys"
    ):
        open_client().fetch(REQUEST, whole)
    with pytest.raises(Refused, match=r"https://example\.org/keys"):
        open_client(key=None).fetch(REQUEST, whole)
    with pytest.raises(Refused, match=f"HTTP {status}"):
        open_client(replace(ABOUT, key=None), key=None).fetch(REQUEST, whole)
    assert len(server.seen) == 3


@pytest.mark.parametrize("status", [204, 400, 404, 422])
def test_other_statuses_are_left_to_the_connector(
    server: Loopback, open_client: OpenClient, status: int
) -> None:
    body = b"" if status == 204 else b"error: unknown variable"
    server.answers.append(reply(status, body, content_type="text/plain"))
    answer = open_client().fetch(REQUEST, lambda answer: answer)
    assert answer == Reply(status, "text/plain", body)


@pytest.mark.parametrize(
    "answer",
    [
        reply(body=b"x" * 100_001),
        without_length(b"x" * 200_000),
        chunked(b"x" * 100_001),
        # A small reply that unpacks to fifty megabytes.
        reply(body=gzip.compress(b"x" * 50_000_000), Content_Encoding="gzip"),
    ],
)
def test_a_reply_beyond_the_limit_is_refused(
    server: Loopback, open_client: OpenClient, answer: Answer
) -> None:
    server.answers.append(answer)
    with pytest.raises(Refused, match="100,000 bytes"):
        open_client().fetch(REQUEST, whole)


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_a_reply_with_more_values_than_fit_in_memory_is_refused(
    server: Loopback,
    open_client: OpenClient,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str | None,
) -> None:
    monkeypatch.setattr(formats, "MOST_VALUES", 1_000)
    body = b"[" + b"[]," * 500 + b"[]]"
    packed = {"Content_Encoding": encoding} if encoding else {}
    server.answers.append(reply(body=gzip.compress(body) if encoding else body, **packed))
    with pytest.raises(Refused, match="values"):
        open_client().fetch(REQUEST, whole)


def test_an_encoding_other_than_gzip_is_refused(server: Loopback, open_client: OpenClient) -> None:
    server.answers.append(reply(body=b"abc", Content_Encoding="br"))
    with pytest.raises(Refused, match="'br'"):
        open_client().send(REQUEST)
    assert server.seen[0].headers["accept-encoding"] == "gzip"


@pytest.mark.slow
@pytest.mark.parametrize("answer", [dripping(BODY, 0.02), dripping_head(0.02), silent])
def test_the_time_of_a_request_is_limited_however_slowly_it_goes(
    server: Loopback, open_client: OpenClient, answer: Answer
) -> None:
    server.answers.append(answer)
    client = open_client(limited(timeout_seconds=0.15))
    started = time.monotonic()
    with pytest.raises(TryAgain, match=r"0\.15 seconds"):
        client.send(REQUEST)
    assert time.monotonic() - started < 5
    # The connection that was hung up is not used again.
    server.answers.append(reply(body=BODY))
    assert client.send(REQUEST).content == BODY


def test_what_our_own_time_limit_cuts_is_no_reply(
    server: Loopback, open_client: OpenClient
) -> None:
    """A table that is cut at the end of a line looks whole, and so does its closed connection."""
    server.answers.append(dripping_without_length(b"month,value\n2016-01,1\n" * 50, 0.01))
    with pytest.raises(TryAgain, match=r"0\.15 seconds"):
        open_client(limited(timeout_seconds=0.15)).send(REQUEST)


def test_a_redirect_within_the_publisher_is_followed_and_keeps_the_key_on_its_host(
    server: Loopback, open_client: OpenClient
) -> None:
    server.answers.extend(
        [
            reply(301, Location="/v2/data?get=A"),
            reply(307, Location="https://files.example.org/part?x=1"),
            reply(body=BODY),
        ]
    )
    client = open_client()
    assert client.send(REQUEST).content == BODY
    assert client.sent == 3
    paths = [seen.path.removesuffix("&key=Pl4nted%2BKey%2F0f%3DTests") for seen in server.seen]
    # The other host of the publisher is asked through the gateway as well, without the key.
    assert paths == ["/v1/data?get=A,B&time=2016-01", "/v2/data?get=A", "/part?x=1"]
    assert [seen.path.endswith("Tests") for seen in server.seen] == [True, True, False]


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{other}/data", "https://127.0.0.1:{port}/data"]
)
def test_a_redirect_to_another_port_or_scheme_of_the_host_is_not_followed(
    server: Loopback, open_client: OpenClient, target: str
) -> None:
    port = int(server.address.rsplit(":", 1)[1])
    with Loopback() as other:
        named = target.format(port=port, other=other.address.rsplit(":", 1)[1])
        server.answers.append(reply(302, Location=named))
        with pytest.raises(Refused, match=r"HTTP 302 .*not followed"):
            open_client().send(REQUEST)
        assert other.seen == []
    assert len(server.seen) == 1


def test_a_key_that_was_left_behind_does_not_come_back(
    server: Loopback, open_client: OpenClient
) -> None:
    away = reply(302, Location="https://files.example.org/part")
    server.answers.extend([away, reply(302, Location="/relative"), reply(body=BODY)])
    open_client().send(REQUEST)
    assert ["key=" in seen.path for seen in server.seen] == [True, False, False]


@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.example.org/data",
        "http://api.example.org/data",
        "https://api.example.org.evil.example/data",
        "https://api.example.org:8443/data",
        "https://user:password@api.example.org/data",
        "ftp://api.example.org/data",
        "file:///etc/passwd",
        "http://localhost:1/data",
        "https://[::1/data",
        "",
    ],
)
def test_a_redirect_away_from_the_publisher_is_not_followed(
    server: Loopback, open_client: OpenClient, target: str
) -> None:
    server.answers.append(reply(302, Location=target))
    with pytest.raises(Refused, match=f"HTTP 302 .*{re.escape(repr(target))}"):
        open_client().fetch(REQUEST, whole)
    assert len(server.seen) == 1


def test_a_body_follows_a_redirect_only_with_307_and_308(
    server: Loopback, open_client: OpenClient
) -> None:
    post = replace(REQUEST, method="POST", body=b"{}")
    server.answers.extend([reply(308, Location="/v2"), reply(body=BODY), reply(303, Location="/")])
    client = open_client()
    client.send(post)
    assert server.seen[1].body == b"{}"
    with pytest.raises(Refused, match="HTTP 303"):
        client.send(post)


def test_redirects_in_a_circle_end(server: Loopback, open_client: OpenClient) -> None:
    server.otherwise = lambda _: reply(302, Location="/round")
    with pytest.raises(Refused, match=r"\b3 redirects"):
        open_client().fetch(REQUEST, whole)
    assert len(server.seen) == 4


@pytest.mark.parametrize(
    "address",
    [
        "http://api.example.org/data",
        "https://elsewhere.example.org/data",
        "https://u@api.example.org/data",
    ],
)
def test_requests_are_sent_to_the_publishers_hosts_alone(
    server: Loopback, open_client: OpenClient, address: str
) -> None:
    with pytest.raises(Refused, match=re.escape(address)):
        open_client().fetch(Request(address), whole)
    assert server.seen == []


def test_an_untrusted_certificate_is_refused(open_client: OpenClient, tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", certificate, "-out", f"{certificate}.crt"),
        ],
        check=True,
        capture_output=True,
    )
    with certificate.open("ab") as file:
        file.write(Path(f"{certificate}.crt").read_bytes())
    with Loopback(str(certificate)) as server:
        with pytest.raises(Refused, match="CERTIFICATE_VERIFY_FAILED"):
            open_client(gateway=server.address).fetch(REQUEST, whole)
        assert server.seen == []


def test_a_proxy_of_the_environment_does_not_see_requests(
    server: Loopback, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.answers.append(reply(body=BODY))
    assert open_client().send(REQUEST).content == BODY


@pytest.mark.slow
@pytest.mark.parametrize("place", ["query", "header", "bearer"])
def test_a_key_reaches_no_log_no_exception_and_nothing_that_is_kept(
    server: Loopback,
    open_client: OpenClient,
    tmp_path: Path,
    place: Literal["query", "header", "bearer"],
) -> None:
    escaped = "Pl4nted%2bKey%2F0f=Tests"
    echo = f"key {KEY} {escaped} Pl4nted+Key\\/0f=Tests Pl4nted&#43;Key&#x2F;0f=Tests".encode()
    long_before_key = b"x" * 190 + KEY.encode()
    answers: list[Answer] = [
        reply(200, echo, X_Echo=KEY),
        reply(400, echo),
        reply(401, echo),
        reply(403, long_before_key),
        reply(404, gzip.compress(echo), Content_Encoding="gzip"),
        reply(429, echo, Retry_After="99999"),
        reply(500, echo, X_Echo=KEY),
        reply(200, b"", Content_Encoding=KEY),
        reply(200, b"x", Content_Encoding=KEY),
        reply(302, b"", Location=f"https://evil.example/{KEY}?key={escaped}"),
        reply(302, b"", Location=f"/again?key={escaped}"),
        reply(200, b"", content_type=KEY),
        hang_up,
        cut(BODY),
        lambda handler: handler.wfile.write(f"{KEY} is no HTTP\r\n\r\n".encode()),
    ]
    log = tmp_path / "debug.log"
    handler = logging.FileHandler(log)
    loggers = [logging.getLogger(), logging.getLogger("httpx"), logging.getLogger("httpcore")]
    before = [logger.level for logger in loggers]
    said: list[str] = []
    causes: list[BaseException | None] = []
    use = KeyUse(place, "key", is_required=True, obtained_at="")
    client = open_client(replace(ABOUT, key=use), retry=RetryPolicy(2, scale=0))
    try:
        loggers[0].addHandler(handler)
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
        for answer in answers:
            server.otherwise = lambda _, answer=answer: answer
            try:
                said.append(repr(client.fetch(REQUEST, lambda reply: reply, said.append)))
            except (TryAgain, QuotaSpent, Refused) as error:
                said += [str(error), repr(error), "".join(traceback.format_exception(error))]
                causes += [error.__context__, error.__cause__]
    finally:
        loggers[0].removeHandler(handler)
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
        handler.close()
    assert set(causes) == {None}
    said += [repr(client), repr(vars(client)), log.read_text()]
    assert "HTTP Request: GET" in said[-1], "nothing was logged, so nothing was shown"
    assert "receive_response_headers" in said[-1]
    for text in said:
        for part in ("Pl4nted", "0f=Tests", "0f%3DTests"):
            assert part not in text


@pytest.mark.parametrize(
    "address",
    [
        "http://gateway.example.org",
        "http://127.0.0.1.example.org",
        "ftp://127.0.0.1",
        "https://gateway.example.org/path",
        "https://gateway.example.org?key=1",
        "https://user@gateway.example.org",
        "https://gateway.example.org:none",
        "https://gateway.example.org:0",
        "gateway.example.org",
    ],
)
def test_a_gateway_is_a_host_that_encrypts(tmp_path: Path, address: str) -> None:
    settings = Settings(tmp_path, tmp_path, None, addresses={"small_source": address})
    with pytest.raises(SettingsError, match="small_source"):
        gateway_of(settings, "small_source")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8099",
        "http://localhost:1",
        "http://[::1]:8099",
        "https://gateway.example.org:8443",
    ],
)
def test_a_gateway_may_be_this_machine_or_an_https_host(tmp_path: Path, address: str) -> None:
    settings = Settings(tmp_path, tmp_path, None, addresses={"small_source": f"{address}/"})
    assert gateway_of(settings, "small_source") == address
    assert gateway_of(settings, "un_comtrade") is None
