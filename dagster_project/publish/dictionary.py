"""Write the data dictionary: one page from the descriptions in the dbt YAML files."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from dagster_project.publish.dbt_project import ensure_manifest, keys_by_node, read_manifest
from dagster_project.settings import Settings, load_settings

CODES_SEED = "coded_values"

Node = Mapping[str, Any]


class Check(NamedTuple):
    """A check that every build runs on a table."""

    name: str
    description: str


def dictionary_file(settings: Settings) -> Path:
    return settings.project_root / "docs" / "data-dictionary.md"


def render_dictionary(settings: Settings) -> str:
    """The whole page, from the current manifest of the dbt project.

    Raises:
        DbtProjectError: dbt cannot parse the project.
    """
    manifest = read_manifest(ensure_manifest(settings))
    keys = keys_by_node(manifest)
    checks = _checks_by_node(manifest)
    layers = defaultdict(list)
    for node in manifest["nodes"].values():
        if node["resource_type"] in {"model", "seed"}:
            layers[node["schema"]].append(node)
    codes = settings.seeds / f"{CODES_SEED}.csv"
    lines = [
        "# Data dictionary",
        "",
        "Generated from the YAML of the dbt project by"
        " `python -m dagster_project.publish.dictionary`; a test compares the two. The same"
        " descriptions are available in SQL:",
        "",
        "```sql",
        "select table_name, column_name, comment from duckdb_columns() where schema_name = 'marts'",
        "```",
        "",
        "[Marts](#marts) · [Questions](#questions) · [Codes](#codes) · [Seeds](#seeds)"
        " · [Intermediate](#intermediate) · [Staging](#staging) · [Raw](#raw)",
        "",
        "## Marts",
        "",
        "Tables and views to query. Types are enforced; every build tests the keys.",
        *_each(layers["marts"], lambda node: _table(node, keys, checks)),
        "",
        "## Questions",
        "",
        "Parameterised models behind the commands, in the schema `questions`. Types are enforced. A"
        " build runs them on the claims and pairs in its data; a command replaces those input rows"
        " with its own and runs the same SQL.",
        *_each(layers["questions"], lambda node: _table(node, keys, checks)),
        "",
        "## Codes",
        "",
        f"The meaning of codes (`seeds.{CODES_SEED}`).",
        *_codes(codes),
        "",
        "## Seeds",
        "",
        "Reference data and policy, as CSV files in `dbt/seeds`; each is a table in the schema"
        " `seeds`.",
        *_each(layers["seeds"], lambda node: _table(node, keys, checks)),
        "",
        "## Intermediate",
        "",
        "Models between staging and marts. They may change without notice.",
        "",
        *_summary(layers["intermediate"], checks),
        "",
        "## Staging",
        "",
        "One view per raw table, with standard names, types and units.",
        "",
        *_summary(layers["staging"], checks),
        "",
        "## Raw",
        "",
        "Parquet files in the raw folder, one folder per table and release.",
        "",
        *_summary(manifest["sources"].values(), checks),
    ]
    return "\n".join(lines) + "\n"


def _each(nodes: Iterable[Node], render: Callable[[Node], Iterator[str]]) -> Iterator[str]:
    for node in sorted(nodes, key=_name):
        yield ""
        yield from render(node)


def _table(
    node: Node, keys: Mapping[str, Sequence[str]], checks: Mapping[str, Sequence[Check]]
) -> Iterator[str]:
    yield f"### {node['name']}"
    yield ""
    yield node["description"].strip()
    if key := keys.get(node["unique_id"]):
        yield ""
        yield f"Key: {', '.join(f'`{column}`' for column in key)}."
    yield ""
    yield "| column | type | |"
    yield "|---|---|---|"
    types = node["config"].get("column_types") or {}
    for column in node["columns"].values():
        type_name = column.get("data_type") or types.get(column["name"], "")
        yield f"| `{column['name']}` | {type_name} | {_cell(column['description'])} |"
    described = [check for check in checks.get(node["unique_id"], ()) if check.description]
    if described:
        yield ""
        yield "Checks:"
        yield ""
        for check in described:
            yield f"- `{check.name}`: {_cell(check.description)}"


def _summary(nodes: Iterable[Node], checks: Mapping[str, Sequence[Check]]) -> Iterator[str]:
    yield "| table | | checks |"
    yield "|---|---|---|"
    for node in sorted(nodes, key=_name):
        names = ", ".join(f"`{check.name}`" for check in checks.get(node["unique_id"], ()))
        yield f"| `{node['name']}` | {_cell(node['description'])} | {names} |"


def _codes(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for column, codes in groupby(rows, key=lambda row: row["column_name"]):
        yield ""
        yield f"**{column}**"
        yield ""
        for row in codes:
            yield f"- `{row['code']}`: {row['meaning']}"


def _checks_by_node(manifest: Mapping[str, Any]) -> Mapping[str, Sequence[Check]]:
    """The checks of each table: those attached to it and those that name it."""
    by_name = {
        node["name"]: unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in {"model", "seed"}
    }
    checks = defaultdict(list)
    for node in manifest["nodes"].values():
        if node["resource_type"] != "test":
            continue
        named = node["config"].get("meta", {}).get("dagster", {}).get("ref", {}).get("name")
        owner = by_name[named] if named else node.get("attached_node")
        # A check of a source is attached to no model; it belongs to the source it reads.
        checks[owner or node["depends_on"]["nodes"][0]] += checks_of(node)
    return {owner: sorted(found) for owner, found in checks.items()}


def checks_of(test: Node) -> list[Check]:
    """The checks in one test: the test itself and each of its named expressions."""
    arguments = (test.get("test_metadata") or {}).get("kwargs", {})
    return [
        Check(test["name"], test["description"]),
        *(
            Check(name, one.get("description", ""))
            for name, one in arguments.get("expressions", {}).items()
        ),
    ]


def _name(node: Node) -> str:
    return node["name"]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("*", "\\*")


if __name__ == "__main__":
    found = load_settings()
    dictionary_file(found).write_text(render_dictionary(found), encoding="utf-8")
