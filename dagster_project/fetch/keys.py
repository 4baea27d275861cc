"""Finds the publishers' keys, masks them in all that is shown or stored, and checks gateways."""

from __future__ import annotations

import ipaddress
import logging
import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

import httpx

from dagster_project.settings import Secret, Settings, SettingsError
from dagster_project.sources.connector import SourceInfo

_MASK = "***"
# A shorter key would also be masked inside figures, and no publisher issues one.
_SHORTEST = 8
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
    """What to do about a required key; none where the key is there, or not required."""
    if has_key or about.key is None or not about.key.is_required:
        return None
    return (
        f"{about.source_id}: needs a key, issued at {about.key.obtained_at}. Set"
        f' BILATERAL_KEY_{about.source_id.upper()}, or add {about.source_id} = "…" to'
        f" {settings.keys_file}."
    )


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """The text with every secret masked, however it is spelled."""
    return redact_bytes(text.encode("utf-8", "surrogatepass"), secrets).decode(
        "utf-8", "surrogatepass"
    )


def redact_bytes(content: bytes, secrets: Iterable[Secret]) -> bytes:
    """The content with every secret masked; the same object where there is none."""
    for secret in secrets:
        for anchor, pattern in _patterns(secret):
            # Replies are large and rarely contain a key: searching for its longest plain part first
            # is a hundred times faster than the pattern.
            if anchor in content:
                content = pattern.sub(_MASK.encode(), content)
    return content


@lru_cache(maxsize=32)
def _patterns(secret: Secret) -> tuple[tuple[bytes, re.Pattern[bytes]], ...]:
    """Patterns for the key as given and percent-decoded."""
    found = []
    for text in dict.fromkeys((secret.reveal(), unquote(secret.reveal()))):
        plain = re.findall(r"[A-Za-z0-9]+", text)
        pattern = "".join(_spellings(character) for character in text)
        found.append((max(plain, key=len, default="").encode(), re.compile(pattern.encode())))
    return tuple(found)


def _spellings(character: str) -> str:
    """A character as is, or escaped as in addresses, JSON and HTML."""
    itself = re.escape(character)
    if character.isalnum():
        return itself
    code = f"{ord(character):02x}"
    named = {"&": "&amp;|", "<": "&lt;|", ">": "&gt;|", '"': "&quot;|"}.get(character, "")
    # The character itself last: a percent sign or an ampersand begins its own escape.
    return rf"(?:(?i:%(?:25)?{code}|\\u00{code}|&#x{code};)|&#{ord(character)};|{named}\\?{itself})"


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
    """The keys of a file; none where it has another format.

    Nothing is raised from here: an error would keep its frames, and with them the keys.
    """
    content = path.read_bytes()
    try:
        keys = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    if not all(isinstance(key, str) for key in keys.values()):
        return None
    return {source_id: Secret(key.strip()) for source_id, key in keys.items() if key.strip()}
