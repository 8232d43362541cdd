"""The README's tour, as it stands, against real processes."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from django.conf import settings
from django.db import connection

from accounts.users.services import register
from drills.processes import ROOT, Processes, wait_until

pytestmark = pytest.mark.processes


def readme_commands() -> str:
    """The one block of the README that is bash."""
    (found,) = re.findall(r"^```bash\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return found


@pytest.fixture
def processes(transactional_db, smtp_server, tmp_path):
    smtp_server.messages.clear()
    database = connection.settings_dict
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}",
        "REDIS_URL": str(settings.CACHES["default"]["LOCATION"]),
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(smtp_server.port),
        "DATA_DIR": str(tmp_path),
    }
    with Processes(tmp_path, **environment) as running:
        running.start("web", "relay", "worker")
        yield running


@pytest.mark.timeout(180)
def test_readme_tour_works_as_printed(processes, smtp_server):
    register(email="member@example.com", name="Mel", password="taskflow-demo", is_verified=True)
    environment = {**os.environ, "TASKFLOW": processes.url}

    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", readme_commands()],
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ada assigned T" in done.stdout

    def told() -> list[str]:
        return [mail["Subject"] for mail in smtp_server.messages if mail["To"] == "member@example.com"]

    wait_until(lambda: len(told()) > 1, seconds=30, what=processes.log("worker"))
    words = sorted(re.sub(r"^\[.+\] ", "", subject) for subject in told())
    assert words == ["Ada added you to the project Moving house", "Ada assigned this to you: Book the van"]
