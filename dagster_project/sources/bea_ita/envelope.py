"""The envelope of a BEA reply: the repeated request, results and errors."""

from __future__ import annotations

from collections.abc import Mapping

from dagster_project.sources.bea_ita.dataset import ALL


def envelope_of(reply: object) -> Mapping[str, object]:
    api = reply.get("BEAAPI") if isinstance(reply, dict) else None
    return api if isinstance(api, dict) else {}


def _results(api: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The results; a list of them where the publisher answers in parts."""
    results = api.get("Results")
    parts = results if isinstance(results, list) else [results]
    return [part for part in parts if isinstance(part, dict)]


def rows_of(api: Mapping[str, object]) -> list[object]:
    rows: list[object] = []
    for part in _results(api):
        data = part.get("Data")
        # A single row comes without a list around it.
        rows.extend(data if isinstance(data, list) else [data] if data else [])
    return rows


def problem_of(api: Mapping[str, object]) -> str | None:
    """The publisher's error message; errors come with status 200."""
    found = [error for part in (api, *_results(api)) if (error := part.get("Error"))]
    if not found:
        return None if _results(api) else "no BEAAPI.Results"
    return "; ".join(_words(error) for error in found)[:300]


def _words(error: object) -> str:
    if isinstance(error, dict):
        return " ".join(_words(value) for value in error.values())
    if isinstance(error, list):
        return " ".join(_words(value) for value in error)
    return str(error)


def asked_of(api: Mapping[str, object]) -> dict[str, str]:
    """The request as the reply repeats it: single values only."""
    request = api.get("Request")
    listed = request.get("RequestParam") if isinstance(request, dict) else None
    asked = {}
    for parameter in listed if isinstance(listed, list) else []:
        if isinstance(parameter, dict):
            value = str(parameter.get("ParameterValue", ""))
            if value and "," not in value and value.casefold() != ALL.casefold():
                asked[str(parameter.get("ParameterName", "")).casefold()] = value
    return asked
