"""`make check` and `make fix`: what can be said about the code without running its tests."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from launcher import bootstrap, console
from launcher.paths import Paths
from launcher.testing import throwaway_servers

SCHEMA_PATH = "docs/api/openapi.yaml"
MAX_OUTPUT_LINES = 100


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    command: list[str]
    hint: str = ""
    settings: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class CheckResult:
    check: Check
    code: int
    output: str
    seconds: float


def run_checks(paths: Paths) -> int:
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    with throwaway_servers(paths) as settings:
        findings = _run_all(paths, _build_checks(paths, Path(settings["DATA_DIR"])), settings)
    failed = [finding for finding in findings if finding.code != 0]
    for finding in failed:
        console.print_line(f"\n--- {finding.check.name}: {finding.check.hint}\n{_excerpt(finding.output)}")
    console.print_line()
    console.print_step(f"{len(findings) - len(failed)} of {len(findings)} checks passed")
    return 1 if failed else 0


def run_fixes(paths: Paths) -> int:
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    with throwaway_servers(paths) as settings:
        findings = [_run(paths, repair, settings) for repair in _build_fixes(paths)]
    for finding in findings:
        console.print_line(
            f"{'ok ' if finding.code == 0 else 'see'} {finding.check.name}\n{finding.output.strip()}".strip()
        )
    return 0


def _excerpt(output: str) -> str:
    lines = output.strip().splitlines()
    left_out = [f"... {len(lines) - MAX_OUTPUT_LINES} more lines"] if len(lines) > MAX_OUTPUT_LINES else []
    return "\n".join([*lines[:MAX_OUTPUT_LINES], *left_out])


def _build_checks(paths: Paths, folder: Path) -> list[Check]:
    templates = _find_templates(paths)
    python, manage = str(paths.python), [str(paths.python), "manage.py"]
    fresh = folder / "openapi.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    schema = [*manage, "spectacular", "--validate", "--fail-on-warn", "--file"]
    compare = [python, "-m", "launcher.schema", SCHEMA_PATH, str(fresh), *schema, str(fresh)]
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
        Check("templates (djade)", [_venv_executable(paths, "djade"), "--check", *templates], "`make fix` repairs it"),
        Check("templates (djlint)", [python, "-m", "djlint", "--lint", "--quiet", *_exclude_vendored(templates)]),
        Check("migrations", [*manage, "makemigrations", "--check", "--dry-run"], "run manage.py makemigrations"),
        Check("schema", compare, f"the API differs from {SCHEMA_PATH}; `make fix` writes it anew"),
        Check("system (manage.py check)", [*manage, "check", "--fail-level", "WARNING"]),
    ]


def _build_fixes(paths: Paths) -> list[Check]:
    python = str(paths.python)
    return [
        Check("lint", [python, "-m", "ruff", "check", "--fix", "."]),
        Check("format", [python, "-m", "ruff", "format", "."]),
        Check("templates", [_venv_executable(paths, "djade"), *_find_templates(paths)]),
        Check("schema", [python, "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", SCHEMA_PATH]),
    ]


def _venv_executable(paths: Paths, name: str) -> str:
    return str(paths.venv / "bin" / name)


def _find_templates(paths: Paths) -> list[str]:
    return sorted(str(path.relative_to(paths.root)) for path in (paths.root / "templates").rglob("*.html"))


def _exclude_vendored(templates: list[str]) -> list[str]:
    """The HTML of e-mails is compiled, and full of what mail programs need and pages must not have."""
    return [name for name in templates if not name.startswith("templates/emails/")]


def _run_all(paths: Paths, checks: list[Check], settings: dict[str, str]) -> list[CheckResult]:
    """Two at a time: mypy is as long as all the others together."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(lambda one: _run(paths, one, settings), checks))


def _run(paths: Paths, one: Check, settings: dict[str, str]) -> CheckResult:
    started = time.monotonic()
    done = subprocess.run(
        one.command,
        cwd=paths.root,
        env={**settings, **one.settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    finding = CheckResult(one, done.returncode, done.stdout, time.monotonic() - started)
    console.print_line(f"    {'ok    ' if finding.code == 0 else 'FAILED'} {one.name} ({finding.seconds:.1f} s)")
    return finding
