"""Clients that public generators make of docs/api/openapi.yaml, without patches, against a real server process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.db import connection

from drills.processes import ROOT, Processes

HERE = Path(__file__).parent
SCHEMA = ROOT / "docs/api/openapi.yaml"
EMAIL, PASSWORD = "lena@example.com", "correct horse battery"
NPM = shutil.which("npm")
EXPECTED_REPORT = {
    "wrong_password": [401, "wrong_credentials"],
    "created": [201, 201],
    "tasks": [True],
    "due_at": True,
    "patched": [200, "Pay the rent", "urgent"],
    "conflict": [412, "version_conflict", "Pay the rent"],
    "retried": [200, "Rent"],
    "comment": "Sent **today**.",
    "checklist": ["Check the amount", True],
}

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def server_url(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """Run a server process with one user."""
    database = connection.settings_dict
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}",
        "REDIS_URL": str(settings.CACHES["default"]["LOCATION"]),
        "DATA_DIR": str(tmp_path / "data"),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "prometheus"),
    }
    for folder in ("data", "prometheus"):
        (tmp_path / folder).mkdir()
    with Processes(tmp_path, **environment) as processes:
        processes.start("web")
        body = {"email": EMAIL, "name": "Lena Lead", "password": PASSWORD}
        response = requests.post(f"{processes.url}/api/v1/auth/register/", json=body, timeout=30)
        assert response.status_code == 201, response.text
        yield processes.url


def run(*command: str | Path, folder: Path) -> str:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def report(*command: str | Path, folder: Path) -> dict[str, Any]:
    """Return what the main job has printed."""
    return dict(json.loads(run(*command, folder=folder)))


def test_python_client_does_the_main_job(server_url: str, tmp_path: Path) -> None:
    generator = Path(sys.executable).parent / "openapi-python-client"
    options = ["--path", SCHEMA, "--config", ROOT / "docs/api/python-client.yaml", "--meta", "none"]
    # A warning is a part of the schema that the client lacks.
    run(generator, "generate", *options, "--output-path", "taskflow_client", "--fail-on-warning", folder=tmp_path)
    shutil.copy(HERE / "main_job.py", tmp_path)

    assert report(sys.executable, "main_job.py", server_url, EMAIL, PASSWORD, folder=tmp_path) == EXPECTED_REPORT


@pytest.mark.npm
@pytest.mark.skipif(NPM is None, reason="needs npm, which comes with Node.js")
def test_typescript_client_does_the_main_job(server_url: str, tmp_path: Path) -> None:
    for name in ("package.json", "package-lock.json", "main_job.ts"):
        shutil.copy(HERE / name, tmp_path)
    programs = tmp_path / "node_modules/.bin"
    run(str(NPM), "ci", "--no-audit", "--no-fund", folder=tmp_path)
    run(programs / "openapi-typescript", SCHEMA, "--output", "taskflow.d.ts", folder=tmp_path)
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext"]
    run(programs / "tsc", *options, "--lib", "es2022,dom,dom.iterable", "main_job.ts", folder=tmp_path)

    assert report("node", "main_job.js", server_url, EMAIL, PASSWORD, folder=tmp_path) == EXPECTED_REPORT
