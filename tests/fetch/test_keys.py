"""Tests that keys are found and are masked in every encoding."""

from __future__ import annotations

import html
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
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


@given(
    TEXT_OF_KEYS,
    st.sampled_from(
        [
            str,
            quote,
            quote_plus,
            lambda key: quote(key, safe=""),
            lambda key: quote(quote(key, safe=""), safe=""),
            lambda key: "".join(f"%{ord(one):02x}" if not one.isalnum() else one for one in key),
            lambda key: json.dumps(key)[1:-1],
            lambda key: key.replace("/", "\\/"),
            html.escape,
        ]
    ),
    # Of letters that no key has, so that nothing of it looks like one.
    st.text("αβγ \n", max_size=20),
)
def test_a_key_is_masked_however_it_is_spelled(key: str, spelled: object, around: str) -> None:
    shown = spelled(key)  # ty: ignore
    assert redact(f"{around}<{shown}>", [Secret(key)]) == f"{around}<***>"


@given(st.binary(max_size=200))
def test_what_holds_no_key_stays_as_it_is(content: bytes) -> None:
    assert redact_bytes(content, [Secret("planted-key"), Secret("an+other/key")]) == content


def test_every_key_is_masked() -> None:
    text = "a planted-key and an%2Bother%2fkey, planted-key"
    secrets = [Secret("planted-key"), Secret("an+other/key")]
    assert redact(text, secrets) == "a *** and ***, ***"
    # A key that was handed out percent-encoded is sent, and comes back, without.
    assert redact("an+other/key an%2Bother%2Fkey", [Secret("an%2Bother%2Fkey")]) == "*** ***"
