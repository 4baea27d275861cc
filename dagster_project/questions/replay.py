"""Answer a new question with the SQL that built the marts.

A model is told apart from its neighbours by its relation name, which dbt writes in full and
quoted; the same text with the scratch database's name in front reads what was answered here
instead of what was published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb
import polars as pl

from dagster_project.settings import Settings
from dagster_project.warehouse import CATALOG, connect_answering

_SCRATCH = "memory"


class QuestionError(LookupError):
    """A model or an input that the published warehouse does not have."""


@dataclass(frozen=True)
class QuestionModel:
    """One published model: where it stands, what made it, and whether a question replaces it."""

    name: str
    relation: str
    sql: str
    is_input: bool

    @property
    def schema(self) -> str:
        return self.relation.split(".")[1].strip('"')

    @property
    def scratch_relation(self) -> str:
        return self.relation.replace(f'"{CATALOG}"', f'"{_SCRATCH}"', 1)


class Replay:
    """The question models of the published warehouse over one question's input.

    Use as a context manager; `rows` and `frame` read what `answer` made.
    """

    def __init__(self, settings: Settings) -> None:
        self._connection = connect_answering(settings)
        self._models = _question_models(self._connection)

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def published(self, query: str, parameters: Iterable[object] = ()) -> pl.DataFrame:
        """Read the published marts, written as `warehouse.marts.x`."""
        return self._connection.execute(query, list(parameters)).pl()

    def answer(self, inputs: Mapping[str, pl.DataFrame], goals: Iterable[str]) -> None:
        """Run the models that `goals` need over `inputs`; an input left out is empty.

        Args:
            inputs: a frame by input model; its columns are a subset of the model's, and
                those left out are null.
            goals: names of the models to be read afterwards.

        Raises:
            QuestionError: an input or a goal is not a question model, or an input has a
                column that the model does not.
        """
        known_inputs = {model.name for model in self._models if model.is_input}
        for name in inputs:
            if name not in known_inputs:
                raise QuestionError(f"{name} is no input; there are {sorted(known_inputs)}.")
        needed = self._needed(goals)
        for model in needed:
            self._connection.execute(f'create schema if not exists {_SCRATCH}."{model.schema}"')
            if model.is_input:
                self._give(model, inputs.get(model.name))
            else:
                self._connection.execute(
                    f"create or replace table {model.scratch_relation} as {self._redirected(model)}"
                )

    def rows(self, name: str, order: str) -> list[dict[str, object]]:
        """The answered model as dictionaries, in the order of the given columns."""
        relation = self._model(name).scratch_relation
        result = self._connection.execute(f"from {relation} order by {order}")
        columns = [column[0] for column in result.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]

    def frame(self, name: str) -> pl.DataFrame:
        """The answered model as a frame."""
        return self._connection.execute(f"from {self._model(name).scratch_relation}").pl()

    def _needed(self, goals: Iterable[str]) -> list[QuestionModel]:
        wanted = {self._model(goal).name for goal in goals}
        for model in reversed(self._models):
            if model.name in wanted and not model.is_input:
                wanted |= {other.name for other in self._models if other.relation in model.sql}
        return [model for model in self._models if model.name in wanted]

    def _model(self, name: str) -> QuestionModel:
        for model in self._models:
            if model.name == name:
                return model
        raise QuestionError(f"{name} is no question model of the published warehouse.")

    def _redirected(self, model: QuestionModel) -> str:
        sql = model.sql
        for other in self._models:
            sql = sql.replace(other.relation, other.scratch_relation)
        return sql

    def _give(self, model: QuestionModel, frame: pl.DataFrame | None) -> None:
        self._connection.execute(
            f"create or replace table {model.scratch_relation} as from {model.relation} limit 0"
        )
        if frame is None or frame.is_empty():
            return
        held = self._connection.execute(f"from {model.scratch_relation}").description or ()
        unknown = set(frame.columns) - {column[0] for column in held}
        if unknown:
            raise QuestionError(f"{model.name} has no column {sorted(unknown)}.")
        self._connection.register("given", frame.to_arrow())
        self._connection.execute(f"insert into {model.scratch_relation} by name from given")
        self._connection.unregister("given")


def _question_models(connection: duckdb.DuckDBPyConnection) -> list[QuestionModel]:
    rows = connection.execute(
        "select model_name, relation_name, compiled_sql, is_input"
        f" from {CATALOG}.meta.question_models order by ordinal"
    ).fetchall()
    return [QuestionModel(*row) for row in rows]
