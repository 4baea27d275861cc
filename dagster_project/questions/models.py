"""The parameterised models of a warehouse, whose SQL runs only if it is that of this code.

The text lies in the warehouse file, which may come from anyone. The code ships the hash of each
model, so that another text is not run. After a change of these models and a build,
`python -m dagster_project.questions.models` writes the hashes again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from dagster_project.query_policy import Policy
from dagster_project.settings import load_settings
from dagster_project.warehouse import CATALOG, WarehouseRefused, connect_answering

# By name, in the order in which they run.
HASHES = Path(__file__).with_name("model_hashes.json")
# What dbt compiles for the date of a build of the latest data.
_OPEN_DAY = "cast('9999-12-31' as date)"


@dataclass(frozen=True)
class QuestionModel:
    """One parameterised model: its relation, its SQL, and whether it is an input."""

    name: str
    relation: str
    sql: str
    is_input: bool

    @property
    def schema(self) -> str:
        return self.relation.split(".")[1].strip('"')

    def hash(self, as_of: date | None) -> str:
        """The hash of all that runs; a build of past data differs only in its date."""
        sql = self.sql if as_of is None else self.sql.replace(f"cast('{as_of}' as date)", _OPEN_DAY)
        content = json.dumps([self.name, self.relation, sql, self.is_input])
        return hashlib.sha256(content.encode()).hexdigest()


def question_models(connection: duckdb.DuckDBPyConnection) -> list[QuestionModel]:
    """The models of the attached warehouse, each after those that it reads.

    Raises:
        WarehouseRefused: they are not those of this code.
    """
    expected: dict[str, str] = json.loads(HASHES.read_bytes())
    found = {model.name: (model, value) for model, value in _stored(connection)}
    other = sorted(
        name
        for name in {*found, *expected}
        if name not in found or found[name][1] != expected.get(name)
    )
    if other:
        raise WarehouseRefused(
            "The published warehouse was built from other SQL than this version of the command has"
            f" ({', '.join(other[:3])}{', …' if len(other) > 3 else ''}), and is not run. Run"
            " `bilateral build`; after a change of the dbt models, also"
            " `python -m dagster_project.questions.models`."
        )
    return [found[name][0] for name in expected]


def _stored(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[QuestionModel, str]]:
    """The models in the file in the order of their build, with their hashes."""
    as_of = connection.execute(f"select max(as_of) from {CATALOG}.meta.publication").fetchone()
    rows = connection.execute(
        "select model_name, relation_name, compiled_sql, is_input"
        f" from {CATALOG}.meta.question_models order by ordinal"
    ).fetchall()
    for row in rows:
        model = QuestionModel(*row)
        yield model, model.hash(as_of[0] if as_of else None)


def _record() -> None:
    """Write the hashes of the published models, which this installation has built.

    Raises:
        NotAllowed: a model is not one select that computes.
    """
    with closing(connect_answering(load_settings())) as connection:
        policy = Policy(connection)
        hashes = {}
        for model, value in _stored(connection):
            policy.check_select(model.sql)
            hashes[model.name] = value
    HASHES.write_text(json.dumps(hashes, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _record()
