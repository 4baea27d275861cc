"""Which datasets UN Comtrade has, by reporter and period."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

from dagster_project.sources.connector import Available, Refused
from dagster_project.sources.un_comtrade.calls import SOURCE_ID, dataset_name, month_of

LAYOUT = "comtrade_availability_v1"


def available(replies: Mapping[str, bytes]) -> tuple[Available, ...]:
    """The datasets by reporter and period; of several editions, the latest."""
    found: dict[str, Available] = {}
    for name, content in replies.items():
        if not content:
            continue
        for dataset in json.loads(content)["data"]:
            one = _dataset(dataset, name)
            held = found.get(one.name)
            if held is None or _released(held) <= _released(one):
                found[one.name] = one
    return tuple(found[name] for name in sorted(found))


def _dataset(dataset: object, name: str) -> Available:
    try:
        period, reporter = str(dataset["period"]), str(dataset["reporterCode"])  # ty: ignore
        frequency = "A" if len(period) == 4 else "M"
        released, rows = dataset.get("lastReleased"), dataset.get("totalRecords")  # ty: ignore
        return Available(
            name=dataset_name(frequency, reporter, period),
            first=month_of(period, 1),
            last=month_of(period, 12),
            release_key=str(dataset["datasetChecksum"]),  # ty: ignore
            released_on=date.fromisoformat(str(released)[:10]) if released else None,
            rows=None if rows is None else int(rows),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(
            f"{SOURCE_ID}, {name}: a dataset without period, reporter, checksum or days as"
            f" expected: {str(dataset)[:200]!r}. The publisher has changed its layout."
        ) from error


def _released(one: Available) -> date:
    return one.released_on or date.min
