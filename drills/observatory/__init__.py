"""MDN's HTTP Observatory, installed from npm on first use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.conf import settings

NPM_PACKAGE, NPM_VERSION = "@mdn/mdn-http-observatory", "1.4.8"
GRADE_SCRIPT = Path(__file__).parent / "grade.mjs"
# Stand-ins for the HSTS preload lists that its installation script downloads; we are not on them.
LISTS = {"hsts-preload.json": "{}", "tld-list.json": "[]"}


class NotInstalled(Exception):
    """The Observatory cannot run here; the message says why."""


def install() -> Path:
    """Install the package, without its install scripts, and return its folder. Raises NotInstalled."""
    if not (npm := shutil.which("npm")) or not shutil.which("node"):
        raise NotInstalled("npm and node are not installed")
    home = Path(settings.BASE_DIR) / "var/tools" / f"observatory-{NPM_VERSION}"
    folder = home / "node_modules" / NPM_PACKAGE
    if not (folder / "package.json").exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text('{"private": true}')
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        command = [npm, "install", *options, f"{NPM_PACKAGE}@{NPM_VERSION}"]
        process = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
        if process.returncode:
            shutil.rmtree(home, ignore_errors=True)
            raise NotInstalled(f"npm could not install {NPM_PACKAGE}: {process.stderr.strip()[-300:]}")
    for name, text in LISTS.items():
        (folder / "conf" / name).write_text(text)
    return folder


def grade(folder: Path, address: str, *, authority: Path, cookie: str = "") -> dict[str, Any]:
    """Return score, grade, status and failed tests of `host:port/path`.

    `authority` is the certificate of the authority to trust. Raises RuntimeError when the page cannot be loaded.
    """
    environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(authority), "ABORT_TIMEOUT": "30000"}
    process = subprocess.run(
        ["node", str(GRADE_SCRIPT), str(folder), address, *([cookie] if cookie else [])],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        raise RuntimeError(f"{address}: {process.stderr[-1000:]}")
    report: dict[str, Any] = json.loads(process.stdout)
    return report
