"""What a user may set in the environment, and what is refused there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dagster_project.publish.dbt_project import dbt_environment
from dagster_project.settings import DEFAULT_MEMORY, SettingsError, load_settings


@pytest.mark.parametrize("amount", ["1GB", "1.5 GiB", "800mb"])
def test_memory_that_is_set_is_what_a_build_is_told(
    amount: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BILATERAL_MEMORY", amount)
    assert dbt_environment(load_settings(), tmp_path)["BILATERAL_MEMORY"] == amount


@pytest.mark.parametrize("amount", [None, "", " "])
def test_without_it_a_build_takes_the_same_on_every_machine(
    amount: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if amount is None:
        monkeypatch.delenv("BILATERAL_MEMORY", raising=False)
    else:
        monkeypatch.setenv("BILATERAL_MEMORY", amount)
    assert dbt_environment(load_settings(), tmp_path)["BILATERAL_MEMORY"] == DEFAULT_MEMORY


@pytest.mark.parametrize("amount", ["1", "80%", "much", "0GB", "1GB; attach 'x'"])
def test_memory_that_is_no_amount_is_refused(amount: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILATERAL_MEMORY", amount)
    with pytest.raises(SettingsError, match=f"BILATERAL_MEMORY.*{re.escape(amount)}"):
        load_settings()
