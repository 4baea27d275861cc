"""Answer a new query with the SQL that built the marts.

dbt writes relation names in full and quoted. Replacing the database in a name by the scratch
database makes a model read the results computed here instead of the published ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import polars as pl

from dagster_project.questions.models import QuestionModel, question_models
from dagster_project.settings import Settings
from dagster_project.warehouse import CATALOG, connect_answering

_SCRATCH = "memory"


class QuestionError(LookupError):
    """A model or an input is not in the published warehouse."""


class Replay:
    """Runs the parameterised models of the published warehouse on the input of one query.

    Use as a context manager; `rows` and `frame` read the results of `answer`.
    """

    def __init__(self, settings: Settings) -> None:
        """Open the published warehouse.

        Raises:
            WarehouseMissing: nothing has been published under this data home.
            WarehouseRefused: its models, or another SQL text in it, are not what this code runs.
        """
        self._connection = connect_answering(settings)
        try:
            self._models = question_models(self._connection)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def published(
        self, query: str, parameters: Sequence[object] | Mapping[str, object] = ()
    ) -> pl.DataFrame:
        """Query the published marts, whose names start with `warehouse.marts.`."""
        return self._connection.execute(query, parameters).pl()

    def answer(self, inputs: Mapping[str, pl.DataFrame], goals: Iterable[str]) -> None:
        """Run the models that `goals` need on `inputs`; a missing input is empty.

        Only the goals are kept.

        Args:
            inputs: one frame per input model, with some or all of the model's columns; the
                others are null.
            goals: names of the models to read afterwards.

        Raises:
            QuestionError: an input or a goal is not a parameterised model, or an input has a
                column that the model lacks.
        """
        known_inputs = {model.name for model in self._models if model.is_input}
        for name in inputs:
            if name not in known_inputs:
                raise QuestionError(
                    f"{name} is not an input; the inputs are {sorted(known_inputs)}."
                )
        goals = set(goals)
        needed = self._needed(goals)
        done_with = _after_their_last_reader(needed, goals)
        for model in needed:
            self._connection.execute(f'create schema if not exists {_SCRATCH}."{model.schema}"')
            if model.is_input:
                self._load(model, inputs.get(model.name))
            else:
                table = _scratch(model.relation)
                self._connection.execute(
                    f"create or replace table {table} as {self._redirected(model)}"
                )
            # A thousand claims make a hundred megabytes of rows that nothing reads again.
            for read in done_with[model.name]:
                self._connection.execute(f"drop table if exists {_scratch(read.relation)}")

    def rows(self, name: str, order: str) -> list[dict[str, object]]:
        """The rows of a model as dictionaries, ordered by the given columns."""
        relation = _scratch(self._model(name).relation)
        result = self._connection.execute(f"from {relation} order by {order}")
        columns = [column[0] for column in result.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]

    def frame(self, name: str) -> pl.DataFrame:
        """The rows of a model as a frame."""
        return self._connection.execute(f"from {_scratch(self._model(name).relation)}").pl()

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
        raise QuestionError(f"{name} is not a parameterised model of the published warehouse.")

    def _redirected(self, model: QuestionModel) -> str:
        sql = model.sql
        for other in self._models:
            sql = sql.replace(other.relation, _scratch(other.relation))
        return sql

    def _load(self, model: QuestionModel, frame: pl.DataFrame | None) -> None:
        self._connection.execute(
            f"create or replace table {_scratch(model.relation)} as from {model.relation} limit 0"
        )
        if frame is None or frame.is_empty():
            return
        known = self._connection.execute(f"from {_scratch(model.relation)}").description or ()
        unknown = set(frame.columns) - {column[0] for column in known}
        if unknown:
            raise QuestionError(f"{model.name} has no column {sorted(unknown)}.")
        self._connection.register("input_frame", frame.to_arrow())
        self._connection.execute(f"insert into {_scratch(model.relation)} by name from input_frame")
        self._connection.unregister("input_frame")


def _after_their_last_reader(
    needed: Sequence[QuestionModel], goals: Collection[str]
) -> Mapping[str, list[QuestionModel]]:
    """By model, those that no later one reads and nobody asked for."""
    done_with: dict[str, list[QuestionModel]] = {model.name: [] for model in needed}
    for model in needed:
        if model.name not in goals:
            readers = [one.name for one in needed if one is model or model.relation in one.sql]
            done_with[readers[-1]].append(model)
    return done_with


def _scratch(relation: str) -> str:
    return relation.replace(f'"{CATALOG}"', f'"{_SCRATCH}"', 1)
