"""docs/asvs.md covers ASVS 5.0.0, levels 1 and 2, and names existing tests only."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from drills.__main__ import DRILLS

ROOT = Path(__file__).resolve().parents[2]
ROW_PATTERN = re.compile(r"\| (V\d+\.\d+\.\d+) \| (\d) \| ([a-z ]+) \| (.+) \| (.*) \|")
DOCUMENT = (ROOT / "docs/asvs.md").read_text()
ROWS = [match.groups() for line in DOCUMENT.splitlines() if (match := ROW_PATTERN.fullmatch(line))]
# The ids and levels of the standard.
REQUIRED_IDS = [tuple(line.split()) for line in (ROOT / "tests/asvs_requirements.txt").read_text().splitlines()]


@cache
def names_of_tests(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@cache
def heading_anchors(path: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def reference_exists(reference: str) -> bool:
    """Return whether a drill, a heading of a page (`[...](page.md#heading)`) or a test (`path::name`) exists."""
    if reference.startswith("drills/"):
        return Path(reference).stem in DRILLS
    if reference.startswith("["):
        page, _, anchor = re.sub(r"\[.*\]\((.*)\)", r"docs/\1", reference).partition("#")
        return (ROOT / page).exists() and anchor in heading_anchors(page)
    path, _, name = reference.partition("::")
    return (ROOT / path).exists() and name.startswith("test_") and name in names_of_tests(path)


def references(cell: str) -> list[str]:
    return [reference.strip("` ") for reference in cell.split("<br>") if reference.strip()]


def test_requirements_and_rows_match():
    assert len(REQUIRED_IDS) == 253
    assert [(requirement, level) for requirement, level, *_ in ROWS] == REQUIRED_IDS


def test_rows_name_existing_tests_or_a_reason(subtests):
    for requirement, _, state, explanation, evidence in ROWS:
        with subtests.test(requirement):
            cited = references(evidence)

            assert state in {"held", "documented", "does not apply", "operator", "in part"}
            assert len(explanation) > 6
            assert cited or state == "does not apply"
            assert state != "held" or [reference for reference in cited if not reference.startswith("[")], (
                "held, but no test or drill shows it"
            )
            assert state != "documented" or all(reference.startswith("[") for reference in cited)
            assert [reference for reference in cited if not reference_exists(reference)] == []


def test_state_counts_are_right():
    for state, count in re.findall(r"\*([a-z ]+)\*: (\d+)", DOCUMENT):
        assert sum(row[2] == state for row in ROWS) == int(count), state
