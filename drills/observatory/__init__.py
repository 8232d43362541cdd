"""MDN's HTTP Observatory, installed from npm on first use, and what it says about an address."""

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
# What its own installation script downloads: which sites browsers know to speak TLS only. We are none of them.
LISTS = {"hsts-preload.json": "{}", "tld-list.json": "[]"}


class NotInstalled(Exception):
    """Why it cannot be asked here."""


def install() -> Path:
    """Return the package's folder; without its scripts, which download what is not needed."""
    if not (npm := shutil.which("npm")) or not shutil.which("node"):
        raise NotInstalled("npm and node are not installed")
    home = Path(settings.BASE_DIR) / "var/tools" / f"observatory-{NPM_VERSION}"
    folder = home / "node_modules" / NPM_PACKAGE
    if not (folder / "package.json").exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text('{"private": true}')
        words = [
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            f"{NPM_PACKAGE}@{NPM_VERSION}",
        ]
        done = subprocess.run([npm, *words], cwd=home, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(home, ignore_errors=True)
            raise NotInstalled(f"npm could not install {NPM_PACKAGE}: {done.stderr.strip()[-300:]}")
    for name, text in LISTS.items():
        (folder / "conf" / name).write_text(text)
    return folder


def grade(folder: Path, address: str, *, authority: Path, cookie: str = "") -> dict[str, Any]:
    """Return score, grade, status and what failed of `host:port/path`; `authority` signed its certificate."""
    environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(authority), "ABORT_TIMEOUT": "30000"}
    done = subprocess.run(
        ["node", str(GRADE_SCRIPT), str(folder), address, *([cookie] if cookie else [])],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{address}: {done.stderr[-1000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
