"""Production settings: validation, a real node, metrics of several processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest
import requests
from django.conf import settings
from django.db import connection

from drills.processes import ROOT, free_port, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.django_db]
ASYNC_UNSAFE = "DJANGO_ALLOW_ASYNC_UNSAFE"  # set while a browser runs in this process
REQUIRED_SETTINGS = (
    "SECRET_KEY",
    "JWT_SIGNING_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "ALLOWED_HOSTS",
    "SITE_URL",
    "EMAIL_HOST",
)
SECRET_VALUE = "a-secret-that-no-log-may-hold-" + "s" * 32


def production_environment(**changes: str | None) -> dict[str, str]:
    database = connection.settings_dict
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": SECRET_VALUE,
        "JWT_SIGNING_KEY": "another-key-" + "k" * 40,
        "DATABASE_URL": f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}",
        "REDIS_URL": str(settings.CACHES["default"]["LOCATION"]),
        "CELERY_BROKER_URL": "",
        "ALLOWED_HOSTS": "tasks.example.com",
        "SITE_URL": "https://tasks.example.com",
        "EMAIL_HOST": "127.0.0.1",
        **changes,
    }
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {*REQUIRED_SETTINGS, *environment, ASYNC_UNSAFE}
    }
    return inherited | {name: value for name, value in environment.items() if value is not None}


def run_manage(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


LOAD_SETTINGS_SCRIPT = """
import importlib, json, os, sys

name, environments = json.load(sys.stdin)
results = []
for environment in environments:
    os.environ.clear()
    os.environ.update(environment)
    for module in [module for module in sys.modules if module.startswith(("config.settings", "config.env"))]:
        del sys.modules[module]
    try:
        results.append({"value": getattr(importlib.import_module("config.settings.production"), name)})
    except Exception as error:  # the boundary: the test compares whatever is raised
        results.append({"error": f"{type(error).__name__}: {error}"})
print(json.dumps(results))
"""


def load_production_settings(name: str, cases: list[dict[str, str | None]]) -> list[dict[str, str]]:
    """Load the production settings once per case and return `{"value": ...}` of one setting, or `{"error": message}`.

    A case holds changes of `production_environment`. One process loads all of them, because to start Python and to import
    Django takes a hundred times longer than to load the settings.
    """
    environments = [production_environment(**changes) for changes in cases]
    process = subprocess.run(
        [sys.executable, "-c", LOAD_SETTINGS_SCRIPT],
        cwd=ROOT,
        env=production_environment(),
        input=json.dumps([name, environments]),
        capture_output=True,
        text=True,
        check=True,
    )
    results: list[dict[str, str]] = json.loads(process.stdout)
    return results


def test_missing_setting_stops_the_start_with_its_name(django_db_setup, subtests):
    cases = [{name: None} for name in REQUIRED_SETTINGS]

    for name, result in zip(REQUIRED_SETTINGS, load_production_settings("SITE_URL", cases), strict=True):
        with subtests.test(name):
            assert f"ImproperlyConfigured: {name} is not set. Set it (or {name}_FILE)" in result["error"]


INVALID_SETTINGS = (
    ({"SECRET_KEY": "short"}, "SECRET_KEY must hold at least 32 bytes."),
    ({"JWT_SIGNING_KEY": "short"}, "JWT_SIGNING_KEY must hold at least 32 bytes."),
    ({"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL must be a postgresql:// URL."),
    ({"HTTPS": "maybe"}, "HTTPS must be true or false, not 'maybe'."),
    ({"EMAIL_PORT": "smtp"}, "EMAIL_PORT must be a whole number, not 'smtp'."),
    ({"SECRET_KEY_FILE": "/missing/key"}, "SECRET_KEY_FILE names /missing/key, which cannot be read"),
)


def test_invalid_setting_stops_the_start_with_a_message(django_db_setup, subtests):
    results = load_production_settings("SITE_URL", [changes for changes, _ in INVALID_SETTINGS])

    for (_, message), result in zip(INVALID_SETTINGS, results, strict=True):
        with subtests.test(message):
            assert f"ImproperlyConfigured: {message}" in result["error"]


def test_process_with_invalid_settings_exits_with_the_message(django_db_setup):
    process = run_manage("check", environment=production_environment(SECRET_KEY=None))

    assert process.returncode != 0
    assert "SECRET_KEY is not set. Set it (or SECRET_KEY_FILE)" in process.stderr


def test_deployment_check_passes(django_db_setup):
    process = run_manage("check", "--deploy", "--fail-level", "WARNING", environment=production_environment())

    assert (process.returncode, process.stderr) == (0, "")


def test_secrets_are_read_from_files(tmp_path, django_db_setup):
    (tmp_path / "key").write_text(f"{SECRET_VALUE}\n")

    case = {"SECRET_KEY": None, "SECRET_KEY_FILE": str(tmp_path / "key")}

    assert load_production_settings("SECRET_KEY", [case]) == [{"value": SECRET_VALUE}]


@pytest.fixture
def node(tmp_path, django_db_setup):
    """Return a function that starts gunicorn with production settings and returns its URL and log."""
    running = []

    def start(**environment: str):
        address, log = f"127.0.0.1:{free_port()}", tmp_path / "node.log"
        socket = f"unix:{tmp_path}/n.sock"
        command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.asgi:application"]
        settings = production_environment(BIND=f"{address},{socket}", DATA_DIR=str(tmp_path), **environment)
        with log.open("ab") as output:
            running.append(
                subprocess.Popen(command, cwd=ROOT, env=settings, stdout=output, stderr=output, start_new_session=True)
            )
        url = f"http://{address}"
        wait_until(lambda: is_ready(url), seconds=60, what="the node does not answer")
        return url, log

    (tmp_path / "static").mkdir()
    names = [str(path.relative_to(ROOT / "static")) for path in (ROOT / "static").rglob("*") if path.is_file()]
    manifest = {"paths": {name: name for name in names}, "version": "1.1", "hash": ""}
    (tmp_path / "static/staticfiles.json").write_text(json.dumps(manifest))
    yield start
    for process in running:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/livez", headers={"Host": "tasks.example.com"}, timeout=2).ok
    except requests.RequestException:
        return False


def test_node_serves_its_own_host_over_https_only(node):
    url, log = node(WORKERS="1", PROMETHEUS_MULTIPROC_DIR="")
    host, tls = {"Host": "tasks.example.com"}, {"X-Forwarded-Proto": "https"}

    plain = requests.get(f"{url}/api/v1/tasks/", headers=host, allow_redirects=False, timeout=20)
    secure = requests.get(
        f"{url}/api/v1/tasks/", headers=host | tls | {"Authorization": f"Bearer {SECRET_VALUE}"}, timeout=20
    )
    foreign = requests.get(f"{url}/api/v1/tasks/", headers={"Host": "evil.example.com"} | tls, timeout=20)

    assert (plain.status_code, plain.headers["Location"]) == (301, "https://tasks.example.com/api/v1/tasks/")
    assert secure.status_code == 401
    assert secure.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains; preload"
    assert foreign.status_code == 400
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {line["status"] for line in lines if line["event"] == "request"} == {301, 400, 401}
    assert all(line["request_id"] for line in lines if line["event"] == "request")
    assert SECRET_VALUE not in log.read_text()


def test_metrics_are_summed_over_processes(node, tmp_path):
    url, _ = node(WORKERS="2", PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "metrics"))
    host = {"Host": "tasks.example.com"}

    def process_ids():
        return {re.sub(r"\D", "", path.stem) for path in (tmp_path / "metrics").glob("counter_*.db")}

    def count():
        text = requests.get(f"{url}/metrics", headers=host, timeout=20).text
        name = "django_http_responses_total_by_status_view_method_total"
        lines = [line for line in text.splitlines() if line.startswith(name) and "core.health.readyz" in line]
        return sum(float(line.split()[-1]) for line in lines)

    before = count()
    for _ in range(40):
        requests.get(f"{url}/readyz", headers=host, timeout=20)

    assert len(process_ids()) == 2
    assert [count() - before for _ in range(6)] == [40.0] * 6
