"""Divides a text into sentences and tables, and marks what each of them says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dagster_project.reading.attachments import told
from dagster_project.reading.flow import Flow
from dagster_project.reading.flows import flows
from dagster_project.reading.grammar import Grammar
from dagster_project.reading.items import Marked, marked
from dagster_project.reading.roles import Told
from dagster_project.reading.tables import Table, find_tables
from dagster_project.reading.tokens import Sentence, divided, sentences, tokens


@dataclass
class Part:
    """A sentence with its marked items, flows and figures, before the context is known."""

    sentence: Sentence
    marked: Marked
    flows: list[Flow]
    told: list[Told]
    table: Table | None = None


def parts_of(text: str, words: Grammar) -> Iterable[Part]:
    position = 0
    for table in [*find_tables(text), None]:
        end = table.start if table else len(text)
        for sentence in sentences(text, position, end):
            for found in divided(tokens(text, sentence.start, sentence.end)):
                part = marked(found, words)
                of_part = flows(part)
                yield Part(sentence, part, of_part, told(part, of_part))
        if table is not None:
            yield Part(Sentence(table.start, table.end, table.start), Marked(()), [], [], table)
            position = table.end
