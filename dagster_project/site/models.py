"""dbt's own documentation of the models, as one file without a server.

dbt's `docs generate --static` needs a built warehouse at its own path and records paths and the
user name of the machine. Its page is a template with two placeholders for JSON, so this module
fills it from the parsed project, without private data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dbt.task.docs

from dagster_project.publish.dbt_project import ensure_manifest, read_manifest
from dagster_project.settings import Settings
from dagster_project.site import addresses
from dagster_project.site.context import File

_PAGE = Path(dbt.task.docs.__file__).with_name("index.html")
_OVERVIEW = """# The models behind the marts

Every table of the warehouse with its SQL, columns, tests and lineage graph.
[Back to the site]({home})
"""
# Not shown on a model page, or specific to a machine or a moment.
_LEFT_OUT = frozenset(
    {"build_path", "compiled_path", "created_at", "external_location", "meta", "root_path",
     "source_meta", "unrendered_config"}
)  # fmt: skip


class ModelsPageError(RuntimeError):
    """dbt's page differs from the version this module was written for."""


def models_page(settings: Settings) -> list[File]:
    """The dbt pages, made from the current project.

    Raises:
        DbtProjectError: dbt cannot parse the project.
        ModelsPageError: another version of dbt has another page.
    """
    manifest = shown_manifest(read_manifest(ensure_manifest(settings)))
    html = _PAGE.read_text(encoding="utf-8")
    for place, content in (
        ('"MANIFEST.JSON INLINE DATA"', _in_script(manifest)),
        ('"CATALOG.JSON INLINE DATA"', _in_script(_catalog(manifest))),
        # dbt leaves this placeholder, and a browser would look for the icon beside the page.
        ("${require('./assets/favicons/favicon.ico')}", "data:,"),
        # Keeps the browser from fetching icons by the text of the template.
        ('<use xlink:href="{{', '<use ng-attr-xlink:href="{{'),
        ('<link rel="canonical" href="/overview/"/>', ""),
        ("<title>dbt Docs</title>", "<title>Models – Bilateral</title>"),  # noqa: RUF001
    ):
        if place not in html:
            raise ModelsPageError(
                f"dbt's page has no {place}; look at {_PAGE.name} of the dbt that is pinned."
            )
        html = html.replace(place, content)
    return [File(addresses.MODELS, html)]


def shown_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The parsed project without paths, times and users."""
    project = manifest["metadata"]["project_name"]
    kept = {
        name: _without(part) if isinstance(part, dict) else part
        for name, part in manifest.items()
        if name != "metadata"
    }
    # dbt's own macros do not belong to this project.
    kept["macros"] = {
        name: macro for name, macro in kept["macros"].items() if macro["package_name"] == project
    }
    # The relation of a source holds the paths of its files on this machine.
    for source in kept["sources"].values():
        del source["relation_name"]
    home = addresses.relative(addresses.MODELS, addresses.INDEX)
    kept["docs"] = {
        f"doc.{project}.__overview__": {
            "name": "__overview__",
            "package_name": project,
            "unique_id": f"doc.{project}.__overview__",
            "block_contents": _OVERVIEW.format(home=home),
        }
    }
    return kept | {
        "metadata": {
            name: manifest["metadata"][name]
            for name in ("dbt_schema_version", "dbt_version", "project_name", "adapter_type")
        }
        # Otherwise the page sends usage statistics to dbt.
        | {"send_anonymous_usage_stats": False}
    }


def _without(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _without(one) for name, one in part.items() if name not in _LEFT_OUT}
    if isinstance(part, list):
        return [_without(one) for one in part]
    return part


def _catalog(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The types of columns, from the contracts, which the build enforces."""
    nodes = {
        name: {
            "unique_id": name,
            "metadata": {
                "type": node["config"]["materialized"],
                "database": node["database"],
                "schema": node["schema"],
                "name": node["name"],
                "comment": None,
                "owner": None,
            },
            "columns": {
                column["name"]: {
                    "name": column["name"],
                    "type": column["data_type"],
                    "index": place,
                    "comment": None,
                }
                for place, column in enumerate(node["columns"].values(), start=1)
            },
            "stats": {},
        }
        for name, node in manifest["nodes"].items()
        if node["resource_type"] in {"model", "seed"}
        and all(column["data_type"] for column in node["columns"].values())
    }
    return {"metadata": {}, "nodes": nodes, "sources": {}, "errors": None}


def _in_script(data: Mapping[str, Any]) -> str:
    """JSON that is safe in a script element."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
