"""Hash the inputs of a build, and name the version of the code."""

from __future__ import annotations

import hashlib
import importlib.metadata
import subprocess
from pathlib import Path

from dagster_project.publish.dbt_project import fingerprint, hash_files
from dagster_project.settings import Settings
from dagster_project.warehouse import is_served, published_record

_PACKAGE = Path(__file__).resolve().parent.parent

_HALF = 32

# The engines whose version may change a value or the file format.
_ENGINES = ("duckdb", "dbt-core", "dbt-duckdb", "polars", "pyarrow", "numpy")


def input_hash(settings: Settings) -> str:
    """Two hashes in one text: one of the source files and one of all other inputs.

    The others are parsers, SQL, engine versions and the as-of date. The bytes of the files are
    hashed; sidecar hashes and modification times are not trusted. A file edited by hand must change
    the hash, and a fresh clone must not.
    """
    releases = [
        hash_files(root, _released(root)) for root in settings.snapshot_roots if root.is_dir()
    ]
    code = [
        fingerprint(settings.dbt_project),
        hash_files(_PACKAGE, _code_that_shapes_content()),
        *(f"{engine} {importlib.metadata.version(engine)}" for engine in _ENGINES),
        f"as of {settings.as_of}",
    ]
    return "".join(
        hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_HALF] for parts in (releases, code)
    )


def same_code(one: str, other: str) -> bool:
    """Whether two hashes of inputs differ only in the releases."""
    return one[_HALF:] == other[_HALF:]


def _released(root: Path) -> list[Path]:
    """The files of complete releases; the name of an incomplete one begins with a dot."""
    return sorted(
        path
        for path in root.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(root).parts[:-1])
        and path.is_file()
    )


def is_current(settings: Settings, wanted: str) -> bool:
    """Whether these inputs are published, and served as they were published."""
    record = published_record(settings)
    return record is not None and is_served(settings, record.publication["content_hash"], wanted)


def code_version(settings: Settings) -> str:
    """The package version, with the commit if git is available."""
    version = importlib.metadata.version("bilateral")
    commit = _git(settings.project_root, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return version
    dirty = _git(settings.project_root, "status", "--porcelain", "--untracked-files=no")
    return f"{version}+{commit}{'.dirty' if dirty else ''}"


def _code_that_shapes_content() -> list[Path]:
    return sorted(
        [
            *(_PACKAGE / "sources").rglob("*.py"),
            *(_PACKAGE / "world").rglob("*.py"),
            *(_PACKAGE / "claims" / "consistency").rglob("*.py"),
            _PACKAGE / "publish" / "dbt_project.py",
            _PACKAGE / "publish" / "publication.py",
            _PACKAGE / "publish" / "exports.py",
        ]
    )


def _git(folder: Path, *arguments: str) -> str:
    try:
        finished = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return finished.stdout.strip() if finished.returncode == 0 else ""
