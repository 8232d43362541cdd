"""docs/asvs.md has every requirement of ASVS 5.0.0 on levels 1 and 2, and names only what exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from drills.__main__ import DRILLS

ROOT = Path(__file__).resolve().parents[2]
ROW_PATTERN = re.compile(r"\| (V\d+\.\d+\.\d+) \| (\d) \| ([a-z ]+) \| (.+) \| (.*) \|")
DOCUMENT = (ROOT / "docs/asvs.md").read_text()
ROWS = [found.groups() for line in DOCUMENT.splitlines() if (found := ROW_PATTERN.fullmatch(line))]
# The standard's own ids and levels.
REQUIRED_IDS = [tuple(line.split()) for line in (ROOT / "tests/asvs_requirements.txt").read_text().splitlines()]


@cache
def test_names(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@cache
def heading_anchors(path: str) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def reference_exists(reference: str) -> bool:
    if reference.startswith("drills/"):
        return Path(reference).stem in DRILLS
    if reference.startswith("["):
        page, _, anchor = re.sub(r"\[.*\]\((.*)\)", r"docs/\1", reference).partition("#")
        return (ROOT / page).exists() and anchor in heading_anchors(page)
    path, _, name = reference.partition("::")
    return (ROOT / path).exists() and name.startswith("test_") and name in test_names(path)


def references(cell: str) -> list[str]:
    return [one.strip("` ") for one in cell.split("<br>") if one.strip()]


def test_requirements_and_rows_match():
    assert len(REQUIRED_IDS) == 253
    assert [(requirement, level) for requirement, level, *_ in ROWS] == REQUIRED_IDS


@pytest.mark.parametrize(("requirement", "level", "state", "how", "shown"), ROWS, ids=[line[0] for line in ROWS])
def test_rows_name_existing_tests_or_a_reason(requirement, level, state, how, shown):
    found = references(shown)

    assert state in {"held", "documented", "does not apply", "operator", "in part"}
    assert len(how) > 6
    assert found or state == "does not apply"
    assert state != "held" or [one for one in found if not one.startswith("[")], "held, but no test or drill shows it"
    assert state != "documented" or {one[0] for one in found} == {"["}
    assert [one for one in found if not reference_exists(one)] == []


def test_state_counts_are_right():
    for state, count in re.findall(r"\*([a-z ]+)\*: (\d+)", DOCUMENT):
        assert sum(line[2] == state for line in ROWS) == int(count), state
