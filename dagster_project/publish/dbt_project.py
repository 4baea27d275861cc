"""Where the dbt project is, how to run dbt, and when it must parse again."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from dagster_project.publish.children import child
from dagster_project.settings import Settings, load_settings

# The stem is the catalog name in the views, both in a build and when published.
BUILD_FILE_NAME = "warehouse.duckdb"
PARTIAL_PARSE = "partial_parse.msgpack"

_BUILD_FILE = "BILATERAL_BUILD_FILE"
_RAW = "BILATERAL_RAW"
_WORLD = "BILATERAL_WORLD"
_AS_OF = "BILATERAL_AS_OF"
_MEMORY = "BILATERAL_MEMORY"

# Models that need a year of a raw table name it in their `meta`. Without any year of world trade,
# its many models are left out: they would give no rows and still take time.
_NEEDS = "needs"
_WORLD_TRADE = "un_comtrade__bulk"

# The parameterised models behind the commands, and those whose rows a command replaces.
_QUESTION_TAG = "question"
_QUESTION_INPUT_TAG = "question_input"

# Files written by dbt do not require it to parse again.
_WRITTEN_BY_DBT = frozenset({"target", "logs", ".user.yml"})


class DbtProjectError(RuntimeError):
    """dbt cannot parse the project; the message includes dbt's own error."""


def dbt_executable() -> Path:
    """The dbt executable of this environment, whether or not it is on PATH.

    Raises:
        DbtProjectError: the environment is not set up.
    """
    executable = Path(sys.executable).parent / "dbt"
    if not executable.is_file():
        raise DbtProjectError(f"{executable} does not exist; run `make setup`.")
    return executable


def dbt_version() -> str:
    return importlib.metadata.version("dbt-core")


def dbt_environment(settings: Settings, target: Path) -> dict[str, str]:
    """The environment of one dbt call: its inputs, the as-of date and the output folder.

    dbt builds `warehouse.duckdb` in its working directory. With a full path, dbt would treat each
    build as another profile and parse everything again.
    """
    return {
        # Passed on unread, for PATH, HOME and the locale.
        **os.environ,
        _BUILD_FILE: BUILD_FILE_NAME,
        _RAW: str(settings.raw),
        _WORLD: str(settings.world),
        _AS_OF: settings.as_of.isoformat() if settings.as_of else "",
        _MEMORY: settings.memory,
        "DBT_PROJECT_DIR": str(settings.dbt_project),
        "DBT_PROFILES_DIR": str(settings.dbt_project),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
        "PYTHONUNBUFFERED": "1",
        # One thread solves systems of a few hundred rows faster: two threads wait for each other,
        # on a busy machine ten times longer than they compute.
        "OPENBLAS_NUM_THREADS": "1",
    }


def project_files(dbt_project: Path) -> Iterator[Path]:
    """Every file that dbt reads, in a fixed order."""
    for path in sorted(dbt_project.rglob("*")):
        inside = path.relative_to(dbt_project).parts
        if path.is_file() and inside[0] not in _WRITTEN_BY_DBT:
            yield path


def fingerprint(dbt_project: Path) -> str:
    """A hash of names and contents, which unlike modification times survives a clone."""
    return hash_files(dbt_project, project_files(dbt_project))


def hash_files(root: Path, paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(root)).encode() + b"\0")
        # A file may be larger than memory.
        with path.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def build_arguments(settings: Settings) -> list[str]:
    """The arguments of dbt: build everything, except models of world trade without data."""
    build = ["build", "--exclude-resource-type", "exposure"]
    if _has_world_trade(settings):
        return build
    return [*build, "--exclude", f"config.meta.{_NEEDS}:{_WORLD_TRADE}"]


def left_out(settings: Settings, manifest: Mapping[str, Any]) -> frozenset[str]:
    """Unique ids of the models and tests that `build_arguments` excludes."""
    if _has_world_trade(settings):
        return frozenset()
    nodes = manifest["nodes"]
    models = {
        unique_id
        for unique_id, node in nodes.items()
        if node["config"].get("meta", {}).get(_NEEDS) == _WORLD_TRADE
    }
    tests = {
        unique_id
        for unique_id, node in nodes.items()
        if node["resource_type"] == "test" and models & {*node["depends_on"]["nodes"]}
    }
    return frozenset(models | tests)


def _has_world_trade(settings: Settings) -> bool:
    return any((settings.raw / _WORLD_TRADE).glob("year=*/*.parquet"))


def ensure_manifest(settings: Settings) -> Path:
    """The path of a manifest that matches the current files of the project.

    Dagster parses only under `dagster dev`; elsewhere a changed model would silently run its old
    SQL. So parse whenever the files differ from those parsed last.

    Raises:
        DbtProjectError: dbt cannot parse the project.
    """
    target = settings.dbt_project / "target"
    target.mkdir(exist_ok=True)
    manifest = target / "manifest.json"
    stamp = target / "parsed.json"
    with (target / ".parse.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        parsed = {"files": fingerprint(settings.dbt_project), "dbt": dbt_version()}
        # If someone runs dbt in the project, it overwrites this manifest with its own.
        if not manifest.is_file() or read_json(stamp) != parsed | _hash_of(manifest):
            _parse(settings, target)
            stamp.write_text(json.dumps(parsed | _hash_of(manifest)), encoding="utf-8")
    return manifest


def _hash_of(manifest: Path) -> dict[str, str]:
    return {"manifest": hash_files(manifest.parent, [manifest])}


def lend_parse(settings: Settings, target: Path) -> None:
    """Copy the last partial parse into the target folder of another dbt call."""
    parsed = settings.dbt_project / "target" / PARTIAL_PARSE
    if parsed.is_file() and not (target / PARTIAL_PARSE).exists():
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(parsed, target / PARTIAL_PARSE)


def read_manifest(path: Path) -> Mapping[str, Any]:
    return json.loads(path.read_bytes())


def read_json(path: Path) -> Any:
    """The content of a JSON file; None if the file is missing or incomplete."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def keys_by_node(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """The key columns of each model and seed that has a key, by unique id."""
    keys: dict[str, list[str]] = {}
    for node in manifest["nodes"].values():
        test = node.get("test_metadata") or {}
        if test.get("name") == "valid_rows" and "key" in test["kwargs"]:
            keys[node["attached_node"]] = test["kwargs"]["key"]
    return keys


def question_models(
    manifest: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]
) -> list[tuple[int, str, str, str, bool]]:
    """The parameterised models, each after the models it reads.

    Each is given by its position in that order, its name, relation and compiled SQL, and whether it
    is an input.
    """
    parents = {one: sorted(found) for one, found in sorted(manifest["parent_map"].items())}
    tagged = [
        (unique_id, node)
        for unique_id in TopologicalSorter(parents).static_order()
        if (node := manifest["nodes"].get(unique_id))
        and node["resource_type"] == "model"
        and _QUESTION_TAG in node["tags"]
        and node["config"]["materialized"] != "ephemeral"
    ]
    return [
        (
            ordinal,
            node["name"],
            results[unique_id]["relation_name"],
            results[unique_id]["compiled_code"],
            _QUESTION_INPUT_TAG in node["tags"],
        )
        for ordinal, (unique_id, node) in enumerate(tagged, start=1)
    ]


def _parse(settings: Settings, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target) as folder:
        parsed = Path(folder)
        with child(
            [str(dbt_executable()), "--quiet", "parse", "--no-partial-parse"],
            cwd=parsed,
            env=dbt_environment(settings, target=parsed),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            said, _ = process.communicate()
        if process.returncode != 0:
            raise DbtProjectError(f"dbt cannot parse {settings.dbt_project}:\n{said.strip()}")
        # Both are moved into place, so that nobody reads an incomplete manifest.
        for name in (PARTIAL_PARSE, "manifest.json"):
            (parsed / name).replace(target / name)


if __name__ == "__main__":
    ensure_manifest(load_settings())
