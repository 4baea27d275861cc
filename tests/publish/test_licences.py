"""Tests that a package without an allowed licence is named."""

from __future__ import annotations

from email.message import Message

import pytest

from dagster_project.publish.licences import (
    Package,
    installed,
    is_allowed,
    package_of,
    problems,
    read_allowed,
    read_exceptions,
)

ALLOWED = ("MIT", "Apache-2.0", "BSD License")


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT AND (GPL-3.0-only OR Apache-2.0)", True),
        ("GPL-3.0-only AND (MIT OR Apache-2.0)", False),
        ("GPL-3.0-only OR MIT AND Apache-2.0", True),
        ("BSD License", True),
        ("(MIT", False),
        ("MIT)", False),
        ("MIT MIT", False),
        ("", False),
    ],
)
def test_an_expression_is_allowed_as_a_whole(licence: str, expected: bool) -> None:
    assert is_allowed(licence, ALLOWED) is expected


def test_a_package_is_named_unless_all_that_it_lists_is_allowed() -> None:
    packages = [
        Package("good", ("MIT",)),
        Package("silent", ()),
        Package("mixed", ("MIT", "GNU General Public License (GPL)")),
        Package("excepted", ()),
    ]
    found = problems(packages, ALLOWED, {"excepted": "why", "gone": "why"})
    assert [line.partition(":")[0] for line in found] == ["silent", "mixed", "gone"]


def test_the_expression_comes_before_classifiers_and_these_before_the_text() -> None:
    metadata = Message()
    metadata["Name"] = "one"
    metadata["License"] = "See the file\nof many lines"
    assert package_of(metadata).licences == ("See the file",)
    metadata["Classifier"] = "License :: OSI Approved :: MIT License"
    assert package_of(metadata).licences == ("MIT License",)
    metadata["License-Expression"] = "Apache-2.0"
    assert package_of(metadata).licences == ("Apache-2.0",)


def test_the_installed_packages_have_allowed_licences_and_each_reason_is_given() -> None:
    packages, allowed, exceptions = installed(), read_allowed(), read_exceptions()
    assert len(packages) > 50
    assert problems(packages, allowed, exceptions) == []
    assert all([*allowed.values(), *exceptions.values()])
