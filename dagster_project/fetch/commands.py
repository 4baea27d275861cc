"""The commands that a message tells the user to run."""

from __future__ import annotations

import shlex

from dagster_project.sources.connector import Selection

_BOTH = {"export", "import"}


def spelled(source_id: str, selection: Selection) -> str:
    """The command that fetches exactly this selection on any day."""
    words = ["bilateral", "fetch", source_id]
    for reporter in selection.reporters:
        words += ["--reporter", reporter]
    for partner in selection.partners:
        words += ["--partner", partner]
    form = "%Y" if selection.frequency == "A" else "%Y-%m"
    words += ["--from", f"{selection.first:{form}}", "--to", f"{selection.last:{form}}"]
    if selection.level != "total":
        words += ["--level", selection.level]
    for product in selection.products:
        words += ["--product", product]
    if set(selection.flows) != _BOTH:
        words += [word for flow in selection.flows for word in ("--flow", flow)]
    if selection.frequency != "M":
        words += ["--frequency", selection.frequency]
    return shlex.join(words)


def unconfirmed_advice(source_id: str, selection: Selection) -> str:
    """What to do about replies that withdraw more rows than usual."""
    command = spelled(source_id, selection)
    return (
        "Check at the publisher whether these rows were withdrawn. If they were, run:"
        f" {command} --confirm. If not, run it without --confirm to request everything again."
    )
