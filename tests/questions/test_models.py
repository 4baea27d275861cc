"""The SQL of the parameterised models runs only if it is that of the code."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest

from dagster_project.query_policy import Policy
from dagster_project.questions.models import QuestionModel, question_models
from dagster_project.settings import Settings
from dagster_project.warehouse import connect_answering

MODEL = QuestionModel(
    name="answers",
    relation='"warehouse"."questions"."answers"',
    sql="select 1 as a where known_from <= cast('9999-12-31' as date)",
    is_input=False,
)


def test_a_build_of_past_data_has_the_same_models() -> None:
    past = replace(MODEL, sql=MODEL.sql.replace("9999-12-31", "2017-07-12"))
    assert past.hash(date(2017, 7, 12)) == MODEL.hash(None)
    assert past.hash(date(2017, 7, 13)) != MODEL.hash(None)
    assert past.hash(None) != MODEL.hash(None)


@pytest.mark.parametrize(
    "change",
    [
        {"sql": MODEL.sql + " "},
        {"relation": '"warehouse"."questions"."answers" as select 1; drop table x --'},
        {"name": "others"},
        {"is_input": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_all_that_runs_is_in_the_hash(change: dict[str, object]) -> None:
    assert replace(MODEL, **change).hash(None) != MODEL.hash(None)


def test_the_code_knows_the_models_of_its_build(built_warehouse: Settings) -> None:
    with closing(connect_answering(built_warehouse)) as connection:
        models = question_models(connection)
        assert len(models) > 30
        policy = Policy(connection)
        for model in models:
            policy.check_select(model.sql)
