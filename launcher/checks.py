"""`make check` and `make fix`: what can be said about the code without running its tests."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from launcher import bootstrap, console
from launcher.places import Places
from launcher.testing import throwaway_servers

SCHEMA = "docs/api/openapi.yaml"
LINES_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    command: list[str]
    hint: str = ""
    settings: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    check: Check
    code: int
    output: str
    seconds: float


def check(places: Places) -> int:
    bootstrap.ready(places, bootstrap.DEVELOP)
    with throwaway_servers(places) as settings:
        findings = _all(places, _checks(places, Path(settings["TASKFLOW_VAR"])), settings)
    failed = [finding for finding in findings if finding.code != 0]
    for finding in failed:
        console.say(f"\n--- {finding.check.name}: {finding.check.hint}\n{_excerpt(finding.output)}")
    console.say()
    console.step(f"{len(findings) - len(failed)} of {len(findings)} checks passed")
    return 1 if failed else 0


def fix(places: Places) -> int:
    bootstrap.ready(places, bootstrap.DEVELOP)
    with throwaway_servers(places) as settings:
        findings = [_run(places, repair, settings) for repair in _repairs(places)]
    for finding in findings:
        console.say(f"{'ok ' if finding.code == 0 else 'see'} {finding.check.name}\n{finding.output.strip()}".strip())
    return 0


def _excerpt(output: str) -> str:
    lines = output.strip().splitlines()
    left_out = [f"... {len(lines) - LINES_SHOWN} more lines"] if len(lines) > LINES_SHOWN else []
    return "\n".join([*lines[:LINES_SHOWN], *left_out])


def _checks(places: Places, folder: Path) -> list[Check]:
    templates = _templates(places)
    python, manage = str(places.python), [str(places.python), "manage.py"]
    fresh = folder / "openapi.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    schema = [*manage, "spectacular", "--validate", "--fail-on-warn", "--file"]
    compare = [python, "-m", "launcher.schema", SCHEMA, str(fresh), *schema, str(fresh)]
    return [
        Check("types (mypy)", [python, "-m", "mypy", "."]),
        Check(
            "lint (ruff)",
            [python, "-m", "ruff", "check", "--output-format=concise", "."],
            "`make fix` repairs much of it",
        ),
        Check(
            "format (ruff)",
            [python, "-m", "ruff", "format", "--check", "--output-format=concise", "."],
            "`make fix` repairs it",
        ),
        Check(
            "imports (import-linter)",
            [python, "-c", "from importlinter.cli import lint_imports_command as main; main()"],
        ),
        Check("templates (djade)", [_tool(places, "djade"), "--check", *templates], "`make fix` repairs it"),
        Check("templates (djlint)", [python, "-m", "djlint", "--lint", "--quiet", *_written_by_hand(templates)]),
        Check("migrations", [*manage, "makemigrations", "--check", "--dry-run"], "run manage.py makemigrations"),
        Check("schema", compare, f"the API differs from {SCHEMA}; `make fix` writes it anew"),
        Check("system (manage.py check)", [*manage, "check", "--fail-level", "WARNING"]),
    ]


def _repairs(places: Places) -> list[Check]:
    python = str(places.python)
    return [
        Check("lint", [python, "-m", "ruff", "check", "--fix", "."]),
        Check("format", [python, "-m", "ruff", "format", "."]),
        Check("templates", [_tool(places, "djade"), *_templates(places)]),
        Check("schema", [python, "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", SCHEMA]),
    ]


def _tool(places: Places, name: str) -> str:
    return str(places.venv / "bin" / name)


def _templates(places: Places) -> list[str]:
    return sorted(str(path.relative_to(places.root)) for path in (places.root / "templates").rglob("*.html"))


def _written_by_hand(templates: list[str]) -> list[str]:
    """The HTML of e-mails is compiled, and full of what mail programs need and pages must not have."""
    return [name for name in templates if not name.startswith("templates/emails/")]


def _all(places: Places, checks: list[Check], settings: dict[str, str]) -> list[Finding]:
    """Two at a time: mypy is as long as all the others together."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(lambda one: _run(places, one, settings), checks))


def _run(places: Places, one: Check, settings: dict[str, str]) -> Finding:
    started = time.monotonic()
    done = subprocess.run(
        one.command,
        cwd=places.root,
        env={**settings, **one.settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    finding = Finding(one, done.returncode, done.stdout, time.monotonic() - started)
    console.say(f"    {'ok    ' if finding.code == 0 else 'FAILED'} {one.name} ({finding.seconds:.1f} s)")
    return finding
