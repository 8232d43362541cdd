"""Figures of the code for docs/architecture.md, measured from the syntax trees.

`python -m tests.architecture.figures` prints a Markdown table. Lengths are in lines, from the first line of a
definition (decorators excluded) to its last. Application code is every Python file of the packages in `APPLICATION`
but migrations and tests. `tests/architecture/test_call_counts.py` measures the two call counts, which need a database.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPLICATION = (
    "accounts", "analytics", "config", "core", "demo", "events", "gateway", "launcher", "notifications", "tasks",
)  # fmt: skip
LONG_FILES = {"config/settings/base.py"}  # a table of settings


def application_files(root: Path = ROOT) -> list[Path]:
    """Return the Python files of the application, without migrations and tests."""
    files = (path for name in APPLICATION for path in (root / name).rglob("*.py"))
    return sorted(path for path in files if not {"migrations", "tests"} & set(path.relative_to(root).parts))


def function_lengths(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.end_lineno - node.lineno + 1


def helpers_used_once(tree: ast.Module) -> tuple[int, int]:
    """Return how many private functions a module has, and how many are used exactly once."""
    private = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("_")
        and not node.name.startswith("__")
    ]
    uses = Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    uses += Counter(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return len(private), sum(uses[name] == 1 for name in private)


def docstring_share(trees: list[ast.Module]) -> float:
    """Return the share of public classes, functions and methods that have a docstring."""
    public = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and node.name != "Meta"
    ]
    return sum(ast.get_docstring(node) is not None for node in public) / len(public)


def top_level_entries(app: str, root: Path = ROOT) -> list[str]:
    ignored = {"__init__.py", "__pycache__", "tests"}
    return sorted(path.name for path in (root / app).iterdir() if path.name not in ignored)


def measure(root: Path = ROOT) -> dict[str, str]:
    """Return each figure by its name, as it is printed."""
    files = application_files(root)
    texts = {path: path.read_text() for path in files}
    trees = [ast.parse(text) for text in texts.values()]
    lengths = sorted(length for tree in trees for length in function_lengths(tree))
    helpers = [helpers_used_once(tree) for tree in trees]
    lines = {path: len(text.splitlines()) for path, text in texts.items()}
    comments = sum(line.lstrip().startswith("#") for text in texts.values() for line in text.splitlines())
    long_files = [
        f"{path.relative_to(root)} ({count})"
        for path, count in lines.items()
        if count > 300 and str(path.relative_to(root)) not in LONG_FILES
    ]
    accounts = sum(count for path, count in lines.items() if path.relative_to(root).parts[0] == "accounts")
    p90 = lengths[int(len(lengths) * 0.9)]
    return {
        "application code, lines": f"{sum(lines.values()):,} in {len(files)} files",
        "functions, lines (median / p90 / max)": f"{statistics.median(lengths):.0f} / {p90} / {lengths[-1]}",
        "private helpers (all / used once)": f"{sum(n for n, _ in helpers)} / {sum(n for _, n in helpers)}",
        "accounts, lines": f"{accounts:,}",
        "accounts, entries at its top level": str(len(top_level_entries("accounts", root))),
        "comment lines in a hundred": f"{100 * comments / sum(lines.values()):.1f}",
        "public docstrings": f"{docstring_share(trees):.0%}",
        "files over 300 lines": ", ".join(long_files) or "none",
    }


def main() -> None:
    rows = measure()
    sys.stdout.write("| figure | value |\n|---|---|\n")
    for name, value in rows.items():
        sys.stdout.write(f"| {name} | {value} |\n")


if __name__ == "__main__":
    main()
