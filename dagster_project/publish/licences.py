"""Checks the licences of the installed packages: `python -m dagster_project.publish.licences`.

`licences.csv` lists what is allowed, under the names that the metadata of packages use, with the
reason; `licence_exceptions.csv` lists packages whose metadata say nothing usable.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import distributions
from pathlib import Path

_HERE = Path(__file__).parent
_CLASSIFIER = "License :: "
_TOKEN = re.compile(r"\(|\)|[^\s()]+")


@dataclass(frozen=True)
class Package:
    """A package and its licences, one SPDX expression or the names that it lists."""

    name: str
    licences: tuple[str, ...]


def read_allowed() -> dict[str, str]:
    """The reason for each allowed licence, by the name that packages use."""
    return {row["name"]: row["reason"] for row in _rows("licences.csv")}


def read_exceptions() -> dict[str, str]:
    """The reason for each package that is allowed whatever its metadata say."""
    return {row["package"]: row["reason"] for row in _rows("licence_exceptions.csv")}


def installed() -> list[Package]:
    """Every installed package, with its licences as its metadata name them."""
    return sorted(
        {package_of(one.metadata) for one in distributions()},  # ty: ignore
        key=lambda one: one.name.lower(),
    )


def package_of(metadata: Message) -> Package:
    """The expression if there is one, else the classifiers, else the first line of the text."""
    name = str(metadata["Name"])
    if metadata["License-Expression"]:
        return Package(name, (str(metadata["License-Expression"]),))
    listed = [
        classifier.rpartition(" :: ")[2]
        for classifier in metadata.get_all("Classifier", [])
        if classifier.startswith(_CLASSIFIER) and not classifier.endswith(":: OSI Approved")
    ]
    text = (metadata["License"] or "").strip().splitlines()[:1]
    return Package(name, tuple(listed or text))


def problems(
    packages: Iterable[Package], allowed: Collection[str], exceptions: Mapping[str, str]
) -> list[str]:
    """One line per package whose licence is not allowed, or not known, and per unused exception."""
    packages = list(packages)
    found = [
        f"{package.name}: {' and '.join(package.licences) or 'no licence in its metadata'}"
        for package in packages
        if package.name not in exceptions
        and not (package.licences and all(is_allowed(one, allowed) for one in package.licences))
    ]
    unused = exceptions.keys() - {package.name for package in packages}
    return found + [f"{name}: an exception for a package that is not installed" for name in unused]


def is_allowed(licence: str, allowed: Collection[str]) -> bool:
    """Whether a name, or an SPDX expression with AND, OR and parentheses, is allowed."""
    if licence in allowed:
        return True
    tokens = _TOKEN.findall(licence)
    try:
        result, rest = _either(tokens, allowed)
    except IndexError:
        return False
    return result and not rest


def _either(tokens: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    result, rest = _both(tokens, allowed)
    while rest[:1] == ["OR"]:
        other, rest = _both(rest[1:], allowed)
        result = result or other
    return result, rest


def _both(tokens: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    result, rest = _one(tokens, allowed)
    while rest[:1] == ["AND"]:
        other, rest = _one(rest[1:], allowed)
        result = result and other
    return result, rest


def _one(tokens: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    if tokens[0] != "(":
        return tokens[0] in allowed, tokens[1:]
    result, rest = _either(tokens[1:], allowed)
    return result and rest[0] == ")", rest[1:]


def _rows(name: str) -> list[dict[str, str]]:
    with (_HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> int:
    packages = installed()
    found = problems(packages, read_allowed(), read_exceptions())
    for line in found:
        print(line, file=sys.stderr)  # noqa: T201
    if found:
        print(  # noqa: T201
            "Replace the package, or add its licence to licences.csv with the reason.",
            file=sys.stderr,
        )
        return 1
    print(f"{len(packages)} packages, all with an allowed licence.")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
