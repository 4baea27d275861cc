"""Finds the publishers' keys and masks them in everything that is shown or stored."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from dagster_project.settings import Secret, Settings, SettingsError
from dagster_project.sources.connector import Connector

_MASK = "***"
# A shorter key would also be masked inside figures, and no publisher issues one.
_SHORTEST = 8
_OTHERS_MAY = 0o077


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
            f"{where} is no key: at least {_SHORTEST} ASCII characters without blanks."
            " Copy it again from the publisher's page."
        )
    return key


def _can_be_key(text: str) -> bool:
    return len(text) >= _SHORTEST and text.isascii() and text.isprintable() and " " not in text


def missing_key(settings: Settings, connector: Connector) -> str:
    about = connector.about
    obtained_at = about.key.obtained_at if about.key else ""
    return (
        f"{about.source_id}: needs a key, issued at {obtained_at}. Set"
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


def _read_keys(path: Path) -> dict[str, Secret]:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}).") from None
    if mode & _OTHERS_MAY:
        raise SettingsError(
            f"{path}: others can read it (mode {mode & 0o777:04o}), and keys must stay private."
            f" Run: chmod 600 {path}"
        )
    try:
        keys = _keys_in(path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}).") from None
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
