"""Run random statements, one after the other; the test watches this process with strace.

Arguments: the data home, a seed, the number of statements. It prints, as JSON, each statement that
did not end as a result or as a refusal in one sentence.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

from statements import Randomly

from dagster_project.cli.writing import QueryFormat, renderer
from dagster_project.sandbox.process import Limits, ask
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse import QueryRefused

LIMITS = Limits(seconds=10, memory=500 * 10**6, temporary=10**8)
_CRASH = re.compile(r"made the engine stop|Traceback|stack trace|without an answer", re.IGNORECASE)


def main(home: Path, seed: int, count: int) -> None:
    settings = Settings(PROJECT_ROOT, home, None)
    statements = Randomly(seed)
    outcomes: Counter[str] = Counter()
    wrong = []
    for _ in range(count):
        statement = statements.statement()
        try:
            for _ in ask(settings, statement, LIMITS, renderer(QueryFormat.csv, 10_000)):
                pass
            outcomes["answered"] += 1
        except QueryRefused as error:
            outcomes["refused"] += 1
            if _CRASH.search(str(error)):
                wrong.append((statement, str(error)))
    json.dump({"outcomes": outcomes, "wrong": wrong}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
