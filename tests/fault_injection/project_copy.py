"""A copy of the whole project in which one thing can be broken and then repaired."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from fault_injection.dbt_fork import run_dbt
from one_pair import copy_one_pair

from dagster_project.publish.audit import AuditFailed
from dagster_project.publish.build_dir import open_build_dir
from dagster_project.publish.dbt_project import (
    build_arguments,
    dbt_environment,
    ensure_manifest,
    lend_parse,
    read_manifest,
)
from dagster_project.publish.publication import publish
from dagster_project.settings import Settings
from dagster_project.sources.catalog import load_all
from dagster_project.sources.snapshot import SIDECAR
from dagster_project.warehouse import open_file

Row = dict[str, Any]
# Rule, file, row and column of a finding.
Finding = tuple[str, str, int | None, str | None]
RawEdit = tuple[str, Callable[[pl.DataFrame], pl.DataFrame]]
_LEFT_OUT = shutil.ignore_patterns("target", "logs", ".user.yml")


class ProjectCopy:
    """Snapshots, dbt project and raw tables of its own; after `publish_unbroken` a warehouse too.

    `unbroken` tells how each test ended in the build that was published; `findings` are those of
    the last build, `usual_findings` those of the one that was published.
    """

    def __init__(self, original: Settings, root: Path) -> None:
        self.settings = Settings(root, root / "data", None)
        self.refusal: tuple[str, ...] = ()
        self.findings: frozenset[Finding] = frozenset()
        self.usual_findings: frozenset[Finding] = frozenset()
        self.unbroken: Mapping[str, str] = {}
        self._original = original
        self._raw_edits: list[RawEdit] = []
        self._mart_edits: list[str] = []
        self._raw_before = root / "raw before"
        self._snapshots_before = root / "snapshots before"
        copy_one_pair(self._snapshots_before)
        self._copy_inputs()
        shutil.copytree(original.project_root / ".dagster", root / ".dagster")
        load_all(self.settings)
        shutil.copytree(self.settings.raw, self._raw_before)

    def publish_unbroken(self) -> None:
        ensure_manifest(self.settings)
        self.unbroken = self.build()
        self.usual_findings = self.findings
        assert self.refusal == ()

    @contextmanager
    def broken(self, break_it: Callable[[ProjectCopy], None]) -> Iterator[None]:
        """With the fault in it; everything is as before afterwards."""
        try:
            break_it(self)
            yield
        finally:
            self._raw_edits.clear()
            self._mart_edits.clear()
            self._copy_inputs()
            shutil.rmtree(self.settings.raw)
            shutil.copytree(self._raw_before, self.settings.raw)

    # -- what can be broken ---------------------------------------------------------------

    def snapshot(self, snapshot_file: str) -> Path:
        return self.settings.shipped_snapshots / snapshot_file

    def write_snapshot(self, snapshot_file: str, content: bytes) -> None:
        """As a publisher's file would be: the sidecar has the hash of the new bytes."""
        self.snapshot(snapshot_file).write_bytes(content)
        self.edit_sidecar(
            snapshot_file,
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
        )

    def edit_sidecar(self, snapshot_file: str, **fields: object) -> None:
        """Fields of the release, or of the file where the file has them."""
        path = self.snapshot(snapshot_file)
        sidecar = json.loads((path.parent / SIDECAR).read_text(encoding="utf-8"))
        (entry,) = (entry for entry in sidecar["files"] if entry["name"] == path.name)
        for name, value in fields.items():
            (entry if name in entry else sidecar)[name] = value
        (path.parent / SIDECAR).write_text(json.dumps(sidecar), encoding="utf-8")

    def edit_csv(self, snapshot_file: str, edit: Callable[[list[Row]], list[Row]]) -> None:
        self.write_snapshot(snapshot_file, _edited_csv(self.snapshot(snapshot_file), edit))

    def edit_seed(self, seed: str, edit: Callable[[list[Row]], list[Row]]) -> None:
        path = self.settings.seeds / f"{seed}.csv"
        path.write_bytes(_edited_csv(path, edit))

    def edit_api(self, snapshot_file: str, edit: Callable[[list[Row]], list[Row]]) -> None:
        """A file of the International Trade API: an array of arrays, the header first."""
        header, *body = json.loads(self.snapshot(snapshot_file).read_bytes())
        rows = _really(edit, [dict(zip(header, row, strict=True)) for row in body])
        content = [list(rows[0]), *(list(row.values()) for row in rows)]
        self.write_snapshot(snapshot_file, json.dumps(content).encode())

    def edit_comtrade(self, snapshot_file: str, edit: Callable[[list[Row]], list[Row]]) -> None:
        envelope = json.loads(self.snapshot(snapshot_file).read_bytes())
        envelope["data"] = _really(edit, envelope["data"])
        envelope["count"] = len(envelope["data"])
        self.write_snapshot(snapshot_file, json.dumps(envelope).encode())

    def edit_raw(self, table: str, edit: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """After the load, which would not have let it through."""
        self._raw_edits.append((table, edit))

    def edit_mart(self, statement: str) -> None:
        """In what was built from unbroken input, so that nothing has to be built again."""
        self._mart_edits.append(statement)

    def wrap_model(self, model: str, select: str) -> None:
        """Give a model another outcome; `(model)` in `select` stands for what it gave before."""
        (path,) = self.settings.dbt_project.glob(f"models/**/{model}.sql")
        assert "(model)" in select
        path.write_text(select.replace("(model)", f"(\n{path.read_text(encoding='utf-8')}\n)"))

    # -- what is done with it -------------------------------------------------------------

    def build(self, *checks: str) -> Mapping[str, str]:
        """Load and build, offer it for publication, and tell how each test ended by name.

        With checks, only what they need is built and no other is run: the audit refuses
        such a build whatever they say, so its words on a check are what counts.
        """
        load_all(self.settings)
        for table, edit in self._raw_edits:
            for path in self.settings.raw.glob(f"{table}/**/part-0.parquet"):
                edit(pl.read_parquet(path)).write_parquet(path)
        with open_build_dir(
            self.settings, "broken", input_hash="broken", code_version="broken"
        ) as build_dir:
            build_dir.clear()
            lend_parse(self.settings, build_dir.target)
            if self._mart_edits:
                shutil.copyfile(self.settings.warehouse, build_dir.file)
                with open_file(build_dir.file, read_only=False) as connection:
                    for statement in self._mart_edits:
                        connection.execute(statement)
            output = run_dbt(
                build_dir.folder,
                dbt_environment(self.settings, target=build_dir.target),
                ["--quiet", *self._command(checks)],
            )
            results = build_dir.results()
            assert results, output
            self.findings = _findings(build_dir.file)
            self.refusal = ()
            try:
                publish(self.settings, build_dir.finished())
            except AuditFailed as refused:
                self.refusal = refused.problems
            build_dir.mark_done()
        names = read_manifest(self.settings.dbt_project / "target" / "manifest.json")["nodes"]
        return {
            names[unique_id]["name"]: step["status"]
            for unique_id, step in results.items()
            if unique_id in names and names[unique_id]["resource_type"] == "test"
        }

    def published_hash(self) -> str:
        return hashlib.sha256(self.settings.warehouse.read_bytes()).hexdigest()

    def rejects(self) -> pl.DataFrame:
        return pl.read_parquet(self.settings.raw / "snapshots__rejects" / "**" / "*.parquet")

    def _command(self, checks: Sequence[str]) -> list[str]:
        if not checks:
            return build_arguments(self.settings)
        # What is built already is only tested; else each check comes with all it reads.
        verb, depth = ("test", "") if self._mart_edits else ("build", "+")
        chosen = [f"{depth}{check}" for check in checks]
        return [verb, "--indirect-selection", "empty", "--select", *chosen]

    def _copy_inputs(self) -> None:
        for source, target in (
            (self._snapshots_before, self.settings.shipped_snapshots),
            (self._original.dbt_project, self.settings.dbt_project),
        ):
            kept = target / "target"
            for path in target.glob("*"):
                if path == kept:
                    continue
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.copytree(source, target, ignore=_LEFT_OUT, dirs_exist_ok=True)


def _findings(file: Path) -> frozenset[Finding]:
    """What the rules find in the publishers' data; nothing if the mart was not built."""
    with open_file(file, read_only=True) as connection:
        try:
            found = connection.execute(
                "select rule, snapshot_file, row_number, column_name"
                " from warehouse.marts.data_findings"
            ).fetchall()
        except duckdb.CatalogException:
            return frozenset()
    return frozenset(found)


def _really(edit: Callable[[list[Row]], list[Row]], rows: list[Row]) -> list[Row]:
    """The edited rows; a fault that changes nothing would prove nothing."""
    before = json.dumps(rows)
    edited = edit(rows)
    assert json.dumps(edited) != before, "the fault changed nothing"
    return edited


def _edited_csv(path: Path, edit: Callable[[list[Row]], list[Row]]) -> bytes:
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    edited = _really(edit, rows)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(edited[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(edited)
    return out.getvalue().encode()
