"""Tests that keys are found and are masked in every encoding."""

from __future__ import annotations

import base64
import html
import json
import random
import time
from collections.abc import Callable
from html.entities import html5
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dagster_project.fetch.keys import key_of, redact, redact_bytes
from dagster_project.settings import Secret, Settings, SettingsError

TEXT_OF_KEYS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60
).filter(lambda key: any(character.isalnum() for character in key))


def settings_with(folder: Path, keys_file: str | None, mode: int = 0o600, **keys: str) -> Settings:
    path = folder / "keys.toml"
    if keys_file is not None:
        path.write_text(keys_file, encoding="utf-8")
        path.chmod(mode)
    environment = {source: Secret(key) for source, key in keys.items()}
    return Settings(folder, folder, None, keys=environment, keys_file=path)


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    settings = settings_with(
        tmp_path, 'fred = "from-the-file"\nbea_ita = "also-from-it"\n', fred="from-outside"
    )
    assert key_of(settings, "fred") == Secret("from-outside")
    assert key_of(settings, "bea_ita") == Secret("also-from-it")
    assert key_of(settings, "un_comtrade") is None


def test_a_file_that_is_not_there_holds_no_keys(tmp_path: Path) -> None:
    assert key_of(settings_with(tmp_path, None), "fred") is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    settings = settings_with(tmp_path, 'fred = "planted-key"', mode)
    with pytest.raises(SettingsError, match=rf"mode 0{mode:o}.*chmod 600 .*keys\.toml$"):
        key_of(settings, "fred")


@pytest.mark.parametrize(
    "content", ["planted-key", 'fred = "planted-key', "fred = 12345678", '[fred]\nk = "planted"']
)
def test_a_file_of_another_form_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    with pytest.raises(SettingsError, match=r"keys\.toml") as caught:
        key_of(settings_with(tmp_path, content), "fred")
    assert "planted" not in repr(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("key", ["short", "with a blank", "with-\u00fcmlaut", "line\nbreak-key"])
def test_what_cannot_be_a_key_is_refused_without_showing_it(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingsError, match=r"\bfred\b") as caught:
        key_of(settings_with(tmp_path, None, fred=key), "fred")
    assert key not in str(caught.value)


def named_entities(key: str) -> str:
    names = {text: name for name, text in html5.items() if name.endswith(";")}
    return "".join(f"&{names[one]}" if one in names else one for one in key)


SPELLINGS = {
    "as it is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "other case": str.swapcase,
    "quoted": quote,
    "quoted as in forms": quote_plus,
    "quoted everywhere": lambda key: quote(key, safe=""),
    "quoted twice": lambda key: quote(quote(key, safe=""), safe=""),
    "every character quoted": lambda key: "".join(f"%{ord(one):02x}" for one in key),
    "every character quoted twice": lambda key: "".join(f"%25{ord(one):02X}" for one in key),
    "some characters quoted": lambda key: "".join(
        f"%{ord(one):02x}" if number % 2 else one for number, one in enumerate(key)
    ),
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON with escapes": lambda key: "".join(f"\\u{ord(one):04x}" for one in key),
    "JSON in JSON": lambda key: "".join(f"\\\\u{ord(one):04X}" for one in key),
    "slashes escaped": lambda key: key.replace("/", "\\/"),
    "source code": lambda key: "".join(f"\\x{ord(one):02x}" for one in key),
    "HTML": html.escape,
    "named entities": named_entities,
    "decimal entities": lambda key: "".join(f"&#{ord(one)};" for one in key),
    "padded entities": lambda key: "".join(f"&#00{ord(one)};" for one in key),
    "hexadecimal entities": lambda key: "".join(f"&#x{ord(one):X};" for one in key),
    "HTML in HTML": lambda key: "".join(f"&amp;#{ord(one)};" for one in key),
    "hexadecimal": lambda key: key.encode().hex(),
    "hexadecimal in capitals": lambda key: key.encode().hex().upper(),
    "hexadecimal with colons": lambda key: key.encode().hex(":"),
    "hexadecimal as bytes": lambda key: " ".join(f"0x{ord(one):02x}" for one in key),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SPELLINGS)
@given(
    key=TEXT_OF_KEYS,
    # Of letters that no key has, so that nothing of it looks like one.
    around=st.text("αβγ \n", max_size=20),
)
@hypothesis_settings(max_examples=15)
def test_a_key_is_masked_however_it_is_spelled(name: str, key: str, around: str) -> None:
    shown = SPELLINGS[name](key)
    masked = redact(f"{around}<{shown}>", [Secret(key)])
    assert masked in (f"{around}<***>", f"{around}<0x***>")


@pytest.mark.slow
@given(
    key=TEXT_OF_KEYS,
    spelled=st.sampled_from([str, str.lower, str.upper, quote, lambda key: quote(key, safe="")]),
    encoded=st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]),
    before=st.binary(max_size=7),
    after=st.binary(max_size=7),
)
def test_a_key_in_base64_is_masked_wherever_it_begins(
    key: str, spelled: Callable, encoded: Callable, before: bytes, after: bytes
) -> None:
    code = encoded(before + spelled(key).encode() + after).decode()
    shown = redact(f"Basic {code}", [Secret(key)])
    assert "***" in shown
    # No four characters, which are three of the key's, are left of its middle.
    middle = encoded(spelled(key)[len(spelled(key)) % 3 :].encode()).decode()[:-4]
    assert len(middle) < 8 or middle not in shown


@pytest.mark.slow
@given(
    key=TEXT_OF_KEYS,
    seed=st.randoms(use_true_random=False),
)
def test_a_key_is_masked_in_a_mixture_of_spellings(key: str, seed: random.Random) -> None:
    ways = (
        str,
        str.swapcase,
        lambda one: f"%{ord(one):02x}",
        lambda one: f"&#{ord(one)};",
        lambda one: f"&#x{ord(one):x};",
        lambda one: f"\\u{ord(one):04x}",
    )
    shown = "".join(seed.choice(ways)(one) for one in key)
    assert redact(shown, [Secret(key)]) == "***"


def test_a_large_reply_is_searched_whole() -> None:
    row = b'{"reporterCode":842,"partnerCode":410,"primaryValue":42267394.71,"isReported":false},'
    content = row * (16 * 1024 * 1024 // len(row))
    started = time.process_time()
    assert redact_bytes(content, [Secret("0123456789abcdef0123456789abcdef")]) is content
    assert time.process_time() - started < 60


@given(st.binary(max_size=200))
def test_what_holds_no_key_stays_as_it_is(content: bytes) -> None:
    assert redact_bytes(content, [Secret("planted-key"), Secret("an+other/key")]) == content


def test_every_key_is_masked() -> None:
    text = "a planted-key and an%2Bother%2fkey, planted-key"
    secrets = [Secret("planted-key"), Secret("an+other/key")]
    assert redact(text, secrets) == "a *** and ***, ***"
    # A key that was handed out percent-encoded is sent, and comes back, without.
    assert redact("an+other/key an%2Bother%2Fkey", [Secret("an%2Bother%2Fkey")]) == "*** ***"
