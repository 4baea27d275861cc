"""Sends one request to a publisher: time-outs, size limits, redirects, retries and the key.

The key is added last, just before a request is sent, and removed from every reply. No exception of
the HTTP library leaves this module, because it would contain the address with the key.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import httpx
import stamina

from dagster_project.fetch.bodies import check_size, whole_body
from dagster_project.fetch.keys import (
    gateway_of,
    key_of,
    mask_in_logs,
    redact,
    redact_bytes,
)
from dagster_project.fetch.quota import Quota, utc_now
from dagster_project.settings import Settings
from dagster_project.sources.connector import (
    QuotaSpent,
    Refused,
    Reply,
    Request,
    SourceInfo,
    TryAgain,
)

_AGENT = "Bilateral (trade statistics warehouse)"
_MOST_REDIRECTS = 3
_CONNECT_SECONDS = 30.0
_EXCERPT = 200
_LOCATION = "x-bilateral-location"
Result = TypeVar("Result")

# The library reports retries on standard output, where a command writes its result.
stamina.instrumentation.set_on_retry_hooks([])


@dataclass(frozen=True)
class RetryPolicy:
    """How often a request is retried, and the waits in between.

    Waits double, with jitter. A wait that the publisher requests is honoured up to
    `longest_asked_wait`. If it is longer, the fetch ends and the user runs it again later. `scale`
    multiplies every wait, including that of the rate limit.
    """

    attempts: int = 8
    first_wait: float = 1.0
    longest_wait: float = 60.0
    jitter: float = 1.0
    longest_asked_wait: float = 600.0
    scale: float = 1.0


DEFAULT_RETRY = RetryPolicy()


class Client:
    """Sends the requests of one source, one after the other.

    Raises:
        SettingsError: the key, the keys file or the gateway cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        about: SourceInfo,
        *,
        retry: RetryPolicy = DEFAULT_RETRY,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._about = about
        self._key = key_of(settings, about.source_id)
        self._secrets = () if self._key is None else (self._key,)
        self.has_key = self._key is not None
        self.gateway = gateway_of(settings, about.source_id)
        self._quota = Quota(
            settings.fetching / "quota",
            about.source_id,
            about.limits,
            has_key=self.has_key,
            clock=clock,
            sleep=lambda seconds: time.sleep(seconds * retry.scale),
        )
        self._retry = retry
        self._clock = clock
        self._socket: socket.socket | None = None
        self.sent = 0
        mask_in_logs(self._secrets)
        # The environment is ignored: a .netrc would add its own key.
        self._http = httpx.Client(
            verify=_trusted(),
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": _AGENT, "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(
                about.limits.timeout_seconds,
                connect=min(_CONNECT_SECONDS, about.limits.timeout_seconds),
            ),
            limits=httpx.Limits(max_connections=1),
            event_hooks={"response": [_hide_location]},
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def fetch(
        self,
        request: Request,
        use: Callable[[Reply], Result],
        on_repeat: Callable[[str], None] | None = None,
    ) -> Result:
        """Send a request and return `use(reply)`. Both are retried if a retry may help.

        Before each wait, `on_repeat` is called with the reason for the retry.

        Raises:
            TryAgain: no attempt succeeded, or the publisher requests a long wait.
            QuotaSpent: no more requests are allowed today.
            Refused: the same request would fail again.
        """
        retry = self._retry
        number = 0

        def wait_after(error: Exception) -> bool | float:
            """Whether a failed attempt is retried, and after how many seconds."""
            if not isinstance(error, TryAgain):
                return False
            asked = error.after_seconds
            if asked is not None and asked > retry.longest_asked_wait:
                return False
            if number < retry.attempts and on_repeat is not None:
                on_repeat(self._clean(str(error)))
            return True if asked is None else max(asked, retry.first_wait) * retry.scale

        try:
            for attempt in stamina.retry_context(
                on=wait_after,
                attempts=retry.attempts,
                timeout=None,
                wait_initial=retry.first_wait * retry.scale,
                wait_max=retry.longest_wait * retry.scale,
                wait_jitter=retry.jitter * retry.scale,
            ):
                with attempt:
                    number = attempt.num
                    return use(self.send(request))
        except TryAgain as error:
            last = error
        times = "once" if number == 1 else f"{number} times"
        raise TryAgain(f"{self._clean(str(last))} Tried {times}.", last.after_seconds)

    def send(self, request: Request) -> Reply:
        """Send a request once and return the reply.

        Raises:
            TryAgain: there is no complete reply, or the reply says to retry later.
            QuotaSpent: the quota counted here is used up, or the publisher says so.
            Refused: the key is rejected, or the reply is not acceptable.
        """
        try:
            return self._exchange(request)
        except QuotaSpent as error:
            problem = error
        except TryAgain as error:
            problem = TryAgain(self._say(request, str(error)), error.after_seconds)
        except Refused as error:
            problem = Refused(self._say(request, str(error)))
        # Raised here, where no frame and no cause contains an address with a key.
        raise problem.with_traceback(None)

    def _say(self, request: Request, what: str) -> str:
        return self._clean(f"{self._about.source_id}: {describe(request)}: {what}")

    def _exchange(self, request: Request) -> Reply:
        """Send one request and follow its redirects."""
        try:
            url = httpx.URL(request.stored_address)
            problem = self._foreign(url)
        except httpx.InvalidURL as error:
            problem = f"is not valid ({error})"
        if problem is not None:
            raise Refused(f"its address {problem}. Correct the connector.")
        # The key is only for the requested address, directly or through the gateway.
        trusted = {_origin(url)}
        url = self._through_gateway(url)
        own = _origin(url)
        trusted.add(own)
        with_key = True
        for _ in range(_MOST_REDIRECTS + 1):
            self._quota.take()
            self.sent += 1
            reply, content = self._once(request, url, with_key=with_key)
            if reply.status_code not in (301, 302, 303, 307, 308):
                return self._judge(request, reply, content)
            target = self._target(request, reply, url, own)
            if target is None:
                location = self._clean(reply.headers.get(_LOCATION, ""))[:_EXCERPT]
                raise Refused(
                    f"HTTP {reply.status_code} redirects to {location!r}, which is not followed;"
                    " only https addresses of the publisher are. Check the address there: it may"
                    " have moved.",
                )
            # Once dropped, the key stays dropped: a gateway hides the host of a relative address.
            with_key = with_key and _origin(target) in trusted
            url = target if _origin(target) == own else self._through_gateway(target)
        raise Refused(
            f"more than {_MOST_REDIRECTS} redirects. Check the address at the publisher: it may"
            " have moved.",
        )

    def _target(
        self, request: Request, reply: httpx.Response, url: httpx.URL, own: _Origin
    ) -> httpx.URL | None:
        """The target of a redirect, if it may be followed."""
        location = reply.headers.get(_LOCATION, "")
        if not location or (request.method != "GET" and reply.status_code not in (307, 308)):
            return None
        try:
            target = url.join(location)
        except httpx.InvalidURL:
            return None
        # A server may redirect within its own scheme, host and port, but not to its other ports.
        is_own = _origin(target) == own and not target.userinfo
        return target if is_own or self._foreign(target) is None else None

    def _foreign(self, url: httpx.URL) -> str | None:
        """The reason why a request must not be sent to an address, or None if it may be sent."""
        if url.scheme != "https":
            return "is not https"
        if url.userinfo:
            return "contains a user name"
        if url.port is not None:
            return "names a port"
        if url.host not in {one.lower() for one in self._about.hosts}:
            return f"is not on {' or '.join(self._about.hosts)}"
        return None

    def _through_gateway(self, url: httpx.URL) -> httpx.URL:
        if self.gateway is None:
            return url
        gateway = httpx.URL(self.gateway)
        return url.copy_with(scheme=gateway.scheme, netloc=gateway.netloc)

    def _once(
        self, request: Request, url: httpx.URL, *, with_key: bool
    ) -> tuple[httpx.Response, bytes]:
        """Send once and read the whole body. Never raises an exception that contains the key."""
        seconds = self._about.limits.timeout_seconds
        started = time.monotonic()
        # A read time-out restarts with every byte, so a very slow body would never reach it.
        is_hung_up = threading.Event()
        timer = threading.Timer(seconds, self._hang_up, [is_hung_up])
        timer.daemon = True
        timer.start()
        try:
            with closing(
                self._http.send(self._built(request, url, with_key=with_key), stream=True)
            ) as reply:
                packed = bytearray()
                for part in reply.iter_raw():
                    packed += part
                    check_size(packed, self._about.limits.max_bytes)
                timer.cancel()
                if is_hung_up.is_set():
                    # Without a length, a connection closed here looks like the end of the body.
                    raise httpx.ReadTimeout("hung up")
                return reply, whole_body(reply, packed, self._about.limits.max_bytes)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            is_certificate = "CERTIFICATE_VERIFY_FAILED" in str(error)
            is_ours = isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError)
            is_over = time.monotonic() - started >= seconds
            is_slow = is_over or isinstance(error, httpx.TimeoutException)
            what = " ".join(str(error).split()) or type(error).__name__
        finally:
            timer.cancel()
        if is_certificate:
            raise Refused(
                f"its certificate is not trusted ({what}). The connection may be intercepted. Find"
                " out why before you fetch.",
            )
        if is_ours:
            raise Refused(f"{what}. Correct the connector or the key.")
        if is_slow:
            raise TryAgain(
                f"no complete reply within {seconds:g} seconds. Run the same command"
                " again later, or select less.",
            )
        raise TryAgain(
            f"the connection broke ({what}). Check the network, or run the same command again"
            " later.",
        )

    def _built(self, request: Request, url: httpx.URL, *, with_key: bool) -> httpx.Request:
        headers = {"Accept": ", ".join(request.accept) or "*/*"}
        if request.body is not None:
            # The only kind of body that these publishers accept.
            headers["Content-Type"] = "application/json"
        use = self._about.key
        if with_key and use is not None and self._key is not None:
            key = self._key.reveal()
            if use.place == "query":
                # Some portals issue keys that are already percent-encoded.
                pair = f"{quote(use.name, safe='')}={quote(unquote(key), safe='')}"
                url = url.copy_with(query=b"&".join(filter(None, (url.query, pair.encode()))))
            elif use.place == "bearer":
                headers["Authorization"] = f"Bearer {key}"
            else:
                headers[use.name] = key
        return self._http.build_request(
            request.method,
            url,
            headers=headers,
            content=request.body,
            extensions={"trace": self._note_socket},
        )

    def _note_socket(self, event: str, info: dict[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = info["return_value"].get_extra_info("socket")

    def _hang_up(self, is_hung_up: threading.Event) -> None:
        is_hung_up.set()
        if self._socket is not None:
            with suppress(OSError):
                # Use the method of the plain socket: that of a TLS socket would break the socket
                # while it is being read.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _judge(self, request: Request, reply: httpx.Response, content: bytes) -> Reply:
        """The reply, unless its status means an error."""
        status = reply.status_code
        wait = _asked_wait(reply.headers, self._clock())
        what = f"HTTP {status}{self._excerpt(content)}"
        if status == 429 or (status == 403 and wait is not None):
            if wait is not None and wait > self._retry.longest_asked_wait:
                advice = f"Too many requests. Try again {self._when(wait)}."
                raise QuotaSpent(self._say(request, f"{what}. {advice}"))
            raise TryAgain(f"{what}. Too many requests. Try again later.", wait)
        if status in (401, 403):
            advice = f"{self._key_hint()} {request.key_hint}".rstrip()
            raise Refused(f"{what}. {advice}")
        if status >= 500 or status in (408, 425):
            come_back = "later" if wait is None else self._when(wait)
            advice = f"The publisher's server has failed. Try again {come_back}."
            raise TryAgain(f"{what}. {advice}", wait)
        if not 200 <= status < 300 and not 400 <= status < 500:
            raise Refused(f"{what}. Check the address at the publisher.")
        return Reply(
            status=status,
            content_type=reply.headers.get("content-type", "").split(";")[0].strip().lower(),
            content=redact_bytes(content, self._secrets),
        )

    def _when(self, wait: float) -> str:
        moment = datetime.fromtimestamp(self._clock().timestamp() + wait, UTC)
        return f"after {moment:%Y-%m-%d %H:%M} UTC"

    def _key_hint(self) -> str:
        use = self._about.key
        if use is None:
            return "The source takes no key, so it may refuse this network. Try another network."
        have = "The key was rejected: it may be mistyped or expired" if self._secrets else "No key"
        return f"{have}; keys are issued at {use.obtained_at}."

    def _excerpt(self, content: bytes) -> str:
        # Redacted before it is shortened, because part of a key would not be recognised.
        text = self._clean(content[: 1 << 16].decode("utf-8", "replace"))
        text = " ".join(text.split())[:_EXCERPT]
        return f" ({text!r})" if text else ""

    def _clean(self, text: str) -> str:
        return redact(text, self._secrets)


_Origin = tuple[str, str, int | None]


def _origin(url: httpx.URL) -> _Origin:
    """Scheme, host and port; the port is None if it is the default of the scheme."""
    return url.scheme, url.host, url.port


def _hide_location(reply: httpx.Response) -> None:
    """Hide a redirect from the library, which fails on addresses that are merely refused here."""
    if "location" in reply.headers:
        reply.headers[_LOCATION] = reply.headers.pop("location")


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """The trusted certificates, read once because reading takes longer than many fetches."""
    return httpx.create_ssl_context(trust_env=False)


def describe(request: Request) -> str:
    """A request as shown in messages."""
    address = request.stored_address
    shown = address if len(address) <= 300 else f"{address[:300]}…"
    return f"{request.method} {shown}"


def _asked_wait(headers: httpx.Headers, now: datetime) -> float | None:
    """Retry-After in seconds, from now or from the publisher's own clock."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        # The number may be arbitrarily long. Twelve digits already exceed any acceptable wait.
        return float(text[:12])
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    with suppress(ValueError):
        now = parsedate_to_datetime(headers.get("date", ""))
    try:
        return max(0.0, (until - now).total_seconds())
    except TypeError:
        # One of the two has no time zone.
        return None
