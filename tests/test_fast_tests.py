"""`make test-fast` covers every subject."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def test_every_folder_of_tests_has_a_fast_test(request: pytest.FixtureRequest) -> None:
    if any(Path(argument).resolve() != TESTS for argument in request.config.args):
        pytest.skip("only a part of the tests is collected")
    fast = {
        item.path.parent for item in request.session.items if not item.get_closest_marker("slow")
    }
    assert {path.parent for path in TESTS.rglob("test_*.py")} - fast == set()
