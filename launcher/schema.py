"""Compare the generated API schema with the one that is checked in."""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path

MAX_DIFF_LINES = 80


def main(arguments: list[str]) -> int:
    """Run `python -m launcher.schema COMMITTED GENERATED COMMAND...`, whose command writes GENERATED.

    Returns 1 and prints a diff when the files differ, or the exit code of a command that fails.
    """
    committed, generated, *command = arguments
    process = subprocess.run(command, check=False)
    if process.returncode != 0:
        return process.returncode
    before = Path(committed).read_text().splitlines(keepends=True) if Path(committed).exists() else []
    after = Path(generated).read_text().splitlines(keepends=True)
    diff = list(difflib.unified_diff(before, after, committed, "the code"))
    sys.stdout.writelines(diff[:MAX_DIFF_LINES])
    return 1 if diff else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
