"""dbt's pages as one file: they tell of the models, and nothing of the machine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dagster_project.publish.dbt_project import ensure_manifest, read_manifest
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.site import models

_SETTINGS = Settings(PROJECT_ROOT, PROJECT_ROOT / "data", None)


@pytest.fixture(scope="module")
def html() -> str:
    (page,) = models.models_page(_SETTINGS)
    return page.content


def _inlined(html: str, name: str) -> dict[str, Any]:
    start = re.search(rf"\b{name}:(?={{)", html[html.index("n={manifest:") :])
    assert start
    place = html.index("n={manifest:") + start.end()
    return json.JSONDecoder().raw_decode(html, place)[0]


def test_every_mart_stands_on_the_page_with_the_types_of_its_columns(html: str) -> None:
    manifest, catalog = _inlined(html, "manifest"), _inlined(html, "catalog")
    marts = {
        name
        for name, node in read_manifest(ensure_manifest(_SETTINGS))["nodes"].items()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
    assert marts
    assert marts <= set(manifest["nodes"])
    assert marts <= set(catalog["nodes"])
    for name in marts:
        types = [column["type"] for column in catalog["nodes"][name]["columns"].values()]
        assert types
        assert all(types)


def test_the_page_names_no_place_person_or_moment(html: str) -> None:
    manifest = _inlined(html, "manifest")
    text = json.dumps(manifest)
    for path in (PROJECT_ROOT, _SETTINGS.data_home, Path.home()):
        assert f"{path}/" not in text
    assert not re.search(r"/(?:tmp|home|root|usr|work)/", text)
    assert manifest["metadata"].keys() == {
        "dbt_schema_version", "dbt_version", "project_name", "adapter_type",
        "send_anonymous_usage_stats",
    }  # fmt: skip
    # Without this word the page calls its makers.
    assert manifest["metadata"]["send_anonymous_usage_stats"] is False


def test_the_same_project_gives_the_same_page(html: str) -> None:
    assert models.models_page(_SETTINGS)[0].content == html


def test_no_text_of_the_project_breaks_out_of_the_script() -> None:
    told = models._in_script({"description": "</script><script>alert(1)</script><!--"})
    assert "<" not in told
    assert json.loads(told)["description"].startswith("</script>")


def test_another_page_of_dbt_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "index.html"
    page.write_text("<html></html>")
    monkeypatch.setattr(models, "_PAGE", page)
    with pytest.raises(models.ModelsPageError, match="MANIFEST"):
        models.models_page(_SETTINGS)
