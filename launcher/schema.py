"""Compares the schema that the code gives with the one that is checked in."""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path

MAX_DIFF_LINES = 80


def main(arguments: list[str]) -> int:
    """`python -m launcher.schema KEPT FRESH COMMAND...`: the command writes FRESH."""
    kept, fresh, *command = arguments
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        return done.returncode
    difference = list(_diff(Path(kept), Path(fresh)))
    sys.stdout.writelines(difference[:MAX_DIFF_LINES])
    return 1 if difference else 0


def _diff(kept: Path, fresh: Path) -> list[str]:
    before_start = kept.read_text().splitlines(keepends=True) if kept.exists() else []
    after = fresh.read_text().splitlines(keepends=True)
    return list(difflib.unified_diff(before_start, after, str(kept), "the code"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
