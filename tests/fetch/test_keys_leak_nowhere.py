"""Tests that no key appears in anything a fetch writes, logs, prints or raises."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote, quote_plus

import dagster as dg
import pytest
from fetch.homes import home
from fetch.publishers import PUBLISHERS
from fetch.publishers.publisher import Case
from fetch.replay_server import Fault, Faults, Phase, ReplayServer

from dagster_project.defs.fetch import build_fetch_assets, fetched_key
from dagster_project.fetch.client import RetryPolicy
from dagster_project.fetch.job import FetchError, run_fetch
from dagster_project.fetch.planning import plan_fetch
from dagster_project.settings import PROJECT_ROOT, Settings, SettingsError, load_settings
from dagster_project.sources.catalog import CONNECTORS
from dagster_project.sources.connector import Selection

AT_ONCE = RetryPolicy(scale=0.0)
MOMENT = datetime(2026, 3, 2, 6, tzinfo=UTC)
# Signs that addresses, JSON and HTML each spell in another way.
PLANTED = {
    name: f"Pl4nted+{name}/Key&0f=T3sts" for name, one in PUBLISHERS.items() if one.key_place
}
FAILURES: tuple[Fault, ...] = ("echo", "elsewhere", "page", "unknown", "overload", "dropped", "cut")


def spellings(key: str) -> set[bytes]:
    """The key and what may stand for it; base64 at each of the places where it may begin."""
    plain = {key, quote(key), quote(key, safe=""), quote_plus(key), quote(quote(key, safe=""))}
    texts = plain | {key[:12], key[-12:], key.replace("/", "\\/"), key.replace("&", "&amp;")}
    encoded = set[bytes]()
    for text in plain:
        for before in range(3):
            code = base64.b64encode(b"\0" * before + text.encode())
            # The first and the last signs depend on what stands beside the key.
            encoded |= {code[4:-4], code[4:-4].replace(b"+", b"-").replace(b"/", b"_")}
    return {text.encode() for text in texts} | encoded


ALL_SPELLINGS = {one for key in PLANTED.values() for one in spellings(key)}


def leaked(content: bytes) -> set[bytes]:
    return {one for one in ALL_SPELLINGS if one in content}


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Path]:
    """Everything that anybody logs, in a file."""
    path = tmp_path / "debug.log"
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
    loggers = [logging.getLogger(), logging.getLogger("httpx"), logging.getLogger("httpcore")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    loggers[0].addHandler(handler)
    yield path
    loggers[0].removeHandler(handler)
    handler.close()
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def elsewhere() -> Iterator[ReplayServer]:
    with ReplayServer() as server:
        yield server


@pytest.fixture
def replay(elsewhere: ReplayServer) -> Iterator[ReplayServer]:
    with ReplayServer(keys=PLANTED) as server:
        # Another name of this machine: a host that is none of the publisher's.
        server.elsewhere = elsewhere.address.replace("127.0.0.1", "localhost") + "/data/"
        yield server


def write_keys(path: Path, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text("".join(f'{name} = "{key}"\n' for name, key in PLANTED.items()))
    path.chmod(mode)
    return path


@pytest.fixture(params=["environment", "file"])
def settings(
    request: pytest.FixtureRequest,
    replay: ReplayServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    """Settings as a user's environment makes them, with the keys in one place or the other."""
    shipped = home(tmp_path, "home", replay.address)
    monkeypatch.setenv("BILATERAL_DATA_HOME", str(shipped.data_home))
    monkeypatch.setenv("BILATERAL_KEYS_FILE", str(tmp_path / "keys" / "keys.toml"))
    for name in PUBLISHERS:
        monkeypatch.setenv(f"BILATERAL_ADDRESS_{name.upper()}", replay.address)
        monkeypatch.delenv(f"BILATERAL_KEY_{name.upper()}", raising=False)
    if request.param == "file":
        write_keys(tmp_path / "keys" / "keys.toml")
    else:
        for name, key in PLANTED.items():
            monkeypatch.setenv(f"BILATERAL_KEY_{name.upper()}", key)
    return replace(load_settings(), project_root=shipped.project_root)


def cases_with_keys() -> Iterator[tuple[str, Case]]:
    """A small fetch from each source, and where a list names files, one of these files."""
    for source_id in sorted(CONNECTORS):
        small = [one for one in PUBLISHERS[source_id].cases() if not one.is_large]
        files = [one for one in small[1:] if one.selection.level == "all"]
        for case in (small[0], *files):
            yield source_id, case


def fail_from_now_on(replay: ReplayServer, fault: Fault, number: int, phase: Phase) -> None:
    if phase == "sent":
        replay.always = fault


def told_by(error: BaseException) -> str:
    """All that a traceback shows at its most talkative: the chain, and what frames hold."""
    text = "".join(traceback.format_exception(error)) + repr(error) + str(error.args)
    one: BaseException | None = error
    while one is not None:
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if "dagster_project" in frame.f_code.co_filename:
                text += repr(frame.f_locals)
        one = one.__cause__ or one.__context__
    return text


@pytest.mark.slow
def test_no_key_is_in_anything_that_fetches_leave(
    settings: Settings,
    replay: ReplayServer,
    elsewhere: ReplayServer,
    logged: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    said: list[str] = []

    def run(source_id: str, selection: Selection) -> None:
        outcome = run_fetch(
            settings,
            source_id,
            selection,
            now=MOMENT,
            retry=AT_ONCE,
            on_event=lambda event: said.append(repr(event)),
        )
        said.append(repr(outcome))

    def fail(source_id: str, selection: Selection) -> None:
        with pytest.raises(FetchError) as caught:
            run(source_id, selection)
        said.append(told_by(caught.value))

    for source_id, case in cases_with_keys():
        replay.always = None
        replay.faults = Faults(seed=3, share=0.3)
        # One good reply, which stays, then errors alone. A selection of its own, and before the
        # other: of what has come, a publisher's list would be all that is asked for.
        other = replace(case.selection, last=case.selection.last.replace(month=11))
        replay.on_phase = partial(fail_from_now_on, replay, FAILURES[0])
        fail(source_id, other)
        replay.on_phase = lambda number, phase: None
        for fault in FAILURES[1:]:
            replay.always = fault
            fail(source_id, other)
        said.append(repr(plan_fetch(settings, source_id, other)))
        replay.always = None
        run(source_id, case.selection)
        if source_id in PLANTED:
            assert PLANTED[source_id] in {sent.key for sent in replay.sent}, "never used"

    heard = "".join([*said, repr(settings), *capfd.readouterr()])
    assert leaked(heard.encode()) == set()
    assert not any(leaked(sent.text.encode()) for sent in elsewhere.sent)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "keys"]
    assert {path: found for path in files if (found := leaked(path.read_bytes()))} == {}
    # What is searched is what was meant: replies, releases and the log are among the files.
    assert {".reply", ".json", ".log"} <= {path.suffix for path in files}
    assert b"HTTP Request" in logged.read_bytes()


@pytest.mark.slow
def test_no_key_is_in_what_dagster_keeps_or_what_the_command_prints(
    settings: Settings, replay: ReplayServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (settings.data_home).mkdir(exist_ok=True)
    (settings.data_home / "subscriptions.csv").write_text(
        "source_id,reporters,partners,level,products,flows,frequency,first\n"
        "korea_customs,KOR,USA,total,,,M,2017-01\n"
        "bea_ita,USA,KOR,total,,,A,2016-01\n",
        encoding="utf-8",
    )
    assets = build_fetch_assets(retry=AT_ONCE)
    storage = tmp_path / "instance"
    storage.mkdir()
    states = []
    with dg.DagsterInstance.local_temp(str(storage)) as instance:
        for fault in (None, "echo", "elsewhere"):
            for source_id in ("korea_customs", "bea_ita"):
                replay.always = fault
                by_year = CONNECTORS[source_id].about.by_year_from is not None
                run = dg.materialize(
                    assets,
                    selection=[fetched_key(source_id)],
                    partition_key="2017" if by_year else None,
                    resources={"settings": settings},
                    instance=instance,
                    raise_on_error=False,
                )
                states.append(run.success)
    assert states == [True, True, False, False, False, False]
    replay.always = "echo"
    for source_id in ("korea_customs", "bea_ita"):
        command = [sys.executable, "-m", "dagster_project.cli", "fetch", source_id]
        run = subprocess.run(
            [*command, "--partner", "JPN" if source_id == "bea_ita" else "CHN"],
            env=dict(os.environ),
            cwd=PROJECT_ROOT,
            capture_output=True,
            check=False,
        )
        assert run.returncode != 0
        assert source_id.encode() in run.stdout + run.stderr
        assert leaked(run.stdout + run.stderr) == set()
    assert leaked("".join(capfd.readouterr()).encode()) == set()
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "keys"]
    assert {path: found for path in files if (found := leaked(path.read_bytes()))} == {}
    assert any(path.suffix == ".db" for path in files)


def test_a_keys_file_that_others_may_read_is_refused(replay: ReplayServer, tmp_path: Path) -> None:
    source_id = next(iter(PLANTED))
    selection = PUBLISHERS[source_id].cases()[0].selection
    path = write_keys(tmp_path / "keys" / "keys.toml", mode=0o644)
    settings = replace(home(tmp_path, "home", replay.address), keys={}, keys_file=path)
    for attempt in (run_fetch, plan_fetch):
        with pytest.raises(SettingsError, match=f"chmod 600 {path}") as caught:
            attempt(settings, source_id, selection)
        assert leaked(told_by(caught.value).encode()) == set()
    assert replay.sent == []
    path.chmod(0o600)
    assert plan_fetch(settings, source_id, selection).to_send > 0


def test_the_search_would_find_a_key() -> None:
    key = next(iter(PLANTED.values()))
    for content in (
        f"key={key}",
        f"?key={quote(key, safe='')}&",
        f"?key={quote_plus(key)}",
        base64.b64encode(f"Basic user:{key}:".encode()).decode(),
        base64.urlsafe_b64encode(f"..{key}".encode()).decode(),
        key[:14],
    ):
        assert leaked(f"before {content} after".encode())
    assert not leaked(b"before *** after SCRUBBED")
