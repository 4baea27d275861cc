"""Finds publishers' keys, masks them in everything shown or stored, and checks gateways."""

from __future__ import annotations

import base64
import ipaddress
import logging
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html.entities import html5
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

import httpx

from dagster_project.settings import Secret, Settings, SettingsError
from dagster_project.sources.connector import SourceInfo

_MASK = "***"
# A shorter key would also be masked inside figures, and no publisher issues one.
_SHORTEST = 8
# An escaped letter or digit; without one, some part of a key is always plain text.
_ESCAPE = re.compile(rb"%(?:25){0,3}[3-7][0-9A-Fa-f]|&(?:amp;)?#|\\(?:[uU](?:0|\{)|[xX][3-7])")
# What may separate the hexadecimal codes of two characters.
_BETWEEN = r"[\s:,-]?(?:0[xX])?"
_OTHERS_MAY = 0o077
_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)


def key_of(settings: Settings, source_id: str) -> Secret | None:
    """The key of a source from the environment, else from the keys file, else none.

    Raises:
        SettingsError: the keys file is readable by others or is not TOML with one text per source,
            or the value cannot be a key.
    """
    key = settings.keys.get(source_id)
    where = f"The key of {source_id}"
    if key is None and settings.keys_file is not None:
        key = _read_keys(settings.keys_file).get(source_id)
        where = f"{settings.keys_file}: the key of {source_id}"
    if key is None:
        return None
    if not _can_be_key(key.reveal()):
        raise SettingsError(
            f"{where} is not a key: it needs at least {_SHORTEST} ASCII characters and no spaces."
            " Copy it again from the publisher's page."
        )
    return key


def _can_be_key(text: str) -> bool:
    return len(text) >= _SHORTEST and text.isascii() and text.isprintable() and " " not in text


def missing_key(settings: Settings, about: SourceInfo, *, has_key: bool) -> str | None:
    """What to do about a missing key; None if the key is set or not required."""
    if has_key or about.key is None or not about.key.is_required:
        return None
    return (
        f"{about.source_id}: needs a key, issued at {about.key.obtained_at}. Set"
        f' BILATERAL_KEY_{about.source_id.upper()}, or add {about.source_id} = "…" to'
        f" {settings.keys_file}."
    )


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """The text with every secret masked, however it is spelled; see `redact_bytes`."""
    return redact_bytes(text.encode("utf-8", "surrogatepass"), secrets).decode(
        "utf-8", "surrogatepass"
    )


def redact_bytes(content: bytes, secrets: Iterable[Secret]) -> bytes:
    """The content with every secret masked; the same object if there is none.

    A secret is recognised in upper and lower case, as hexadecimal digits, in base64, and with any
    of its characters escaped as in addresses, JSON, HTML and source code.
    """
    lowered = content.lower()
    for secret in secrets:
        spelled = _spellings_of(secret)
        # Replies are large and rarely contain a key: looking for parts of it first is faster than
        # the patterns.
        if any(part in lowered for part in spelled.parts) or _ESCAPE.search(content):
            content = spelled.escaped.sub(_MASK.encode(), content)
        if any(part in content for part in spelled.base64):
            content = spelled.encoded.sub(_MASK.encode(), content)
        if spelled.first_digits.search(content):
            content = spelled.digits.sub(_MASK.encode(), content)
    return content


@dataclass(frozen=True)
class _Spellings:
    """Patterns for the spellings of a secret, and quick tests that rule it out.

    `escaped` matches the characters as they are or escaped, and needs one of `parts` in lower case
    or an escaped character; `encoded` matches base64 and needs one of `base64`; `digits` matches
    hexadecimal and needs `first_digits`.
    """

    parts: tuple[bytes, ...]
    escaped: re.Pattern[bytes]
    base64: tuple[bytes, ...]
    encoded: re.Pattern[bytes]
    first_digits: re.Pattern[bytes]
    digits: re.Pattern[bytes]


@lru_cache(maxsize=32)
def _spellings_of(secret: Secret) -> _Spellings:
    # Some portals issue keys that are already percent-encoded; they are sent decoded.
    texts = tuple(dict.fromkeys((secret.reveal(), unquote(secret.reveal()))))
    plain = [max(re.findall(r"[a-z0-9]+", text.lower()), key=len, default="") for text in texts]
    spelled = ["".join(map(_any_spelling, text)) for text in texts]
    variants = {
        variant
        for text in texts
        for cased in (text, text.lower(), text.upper())
        for variant in (cased, quote(cased), quote(cased, safe=""), quote_plus(cased))
    }
    cores = tuple(sorted({core for variant in variants for core in _in_base64(variant)}))
    digits = [_BETWEEN.join(f"(?:{_codes(one)})" for one in text) for text in texts]
    # Three characters in a row seldom occur by chance, even in numbers.
    first = [_BETWEEN.join(f"(?:{_codes(one)})" for one in text[:3]) for text in texts]
    return _Spellings(
        parts=tuple(part.encode() for part in plain),
        escaped=re.compile("|".join(spelled).encode()),
        base64=cores,
        # Text next to the key shares the characters at the edges.
        encoded=re.compile(
            b"[A-Za-z0-9+/_-]{0,4}(?:"
            + b"|".join(map(re.escape, cores))
            + b")[A-Za-z0-9+/_-]{0,4}={0,2}"
        ),
        first_digits=re.compile("|".join(first).encode()),
        digits=re.compile("|".join(digits).encode()),
    )


def _in_base64(text: str) -> Iterator[bytes]:
    """The text in base64, in both alphabets, at each of the three positions where it may begin.

    Characters that depend on the text around it are left out.
    """
    content = text.encode()
    for before in range(3):
        code = base64.b64encode(b"\0" * before + content)
        first = -(-before * 8 // 6)
        last = (before + len(content)) * 8 // 6
        for alphabet in (code, code.translate(bytes.maketrans(b"+/", b"-_"))):
            yield alphabet[first:last]


def _any_spelling(character: str) -> str:
    """A pattern for a character in either case, as it is or escaped."""
    cases = _cases(character)
    names = [
        name.removesuffix(";") for name, text in html5.items() if text in cases and len(text) == 1
    ]
    codes, numbers = _codes(character), "|".join(str(ord(one)) for one in cases)
    escaped = [
        rf"%(?:25){{0,3}}(?:{codes})",
        rf"\\{{1,2}}(?:[uU](?:0000)?00|[xX]|[uU]\{{0{{0,4}})(?:{codes})\}}?",
        rf"&(?:amp;)?#(?:[xX]0{{0,6}}(?:{codes})|0{{0,6}}(?:{numbers}));?",
        *(rf"&(?:amp;)?{name};" for name in sorted(set(names))),
    ]
    if not character.isalnum():
        escaped.append(rf"\\{re.escape(character)}")
    # The characters themselves last: a percent sign or an ampersand begins its own escape.
    return f"(?:{'|'.join((*escaped, *map(re.escape, cases)))})"


def _cases(character: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((character, character.lower(), character.upper())))


def _codes(character: str) -> str:
    """A pattern for the hexadecimal code of a character in either case."""
    return "|".join(
        "".join(
            f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{ord(one):02x}"
        )
        for one in _cases(character)
    )


class _KeyFilter(logging.Filter):
    """Masks keys in the records of the HTTP libraries, which log addresses and headers."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: set[Secret] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage(), self.secrets), ()
        return True


_KEY_FILTER = _KeyFilter()


def mask_in_logs(secrets: Iterable[Secret]) -> None:
    _KEY_FILTER.secrets.update(secrets)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_KEY_FILTER)


def gateway_of(settings: Settings, source_id: str) -> str | None:
    """Scheme and host to use instead of the publisher's, if a user set one.

    Raises:
        SettingsError: not a scheme and host, or http to a remote machine.
    """
    address = settings.addresses.get(source_id)
    if address is None:
        return None
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL()
    is_plain = bool(url.host) and url.port != 0 and "@" not in address
    if not is_plain or url.path.strip("/") or url.query or url.fragment:
        raise SettingsError(
            f"The address of {source_id} must be a scheme and a host, such as"
            " https://gateway.example.org:8443."
        )
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host)):
        raise SettingsError(
            f"The address of {source_id} must begin with https://; http is allowed for this machine"
            " only, since it would send a key unencrypted."
        )
    return f"{url.scheme}://{url.netloc.decode()}"


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_keys(path: Path) -> dict[str, Secret]:
    try:
        mode = path.stat().st_mode
        is_private = not mode & _OTHERS_MAY
        keys = _keys_in(path) if is_private else None
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}).") from None
    if not is_private:
        raise SettingsError(
            f"{path}: others can read it (mode {mode & 0o777:04o}), and keys must stay private."
            f" Run: chmod 600 {path}"
        )
    if keys is None:
        raise SettingsError(
            f"{path}: not TOML with one text per source. Write one line per source, for example"
            ' un_comtrade = "…".'
        )
    return keys


def _keys_in(path: Path) -> dict[str, Secret] | None:
    """The keys of a file; None if it has another format.

    Nothing is raised here, because an error would keep its frames and, with them, the keys.
    """
    content = path.read_bytes()
    try:
        keys = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    if not all(isinstance(key, str) for key in keys.values()):
        return None
    return {source_id: Secret(key.strip()) for source_id, key in keys.items() if key.strip()}
