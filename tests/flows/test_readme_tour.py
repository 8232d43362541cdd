"""The tour of the README, run as printed against real processes."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from django.conf import settings
from django.db import connection

from accounts.users.services import create_user_with_password
from drills.processes import ROOT, Processes, wait_until

pytestmark = pytest.mark.processes


def readme_commands() -> str:
    """Return the one bash block of the README."""
    (commands,) = re.findall(r"^```bash\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return commands


@pytest.fixture
def processes(transactional_db, smtp_server, tmp_path):
    smtp_server.reset()
    database = connection.settings_dict
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}",
        "REDIS_URL": str(settings.CACHES["default"]["LOCATION"]),
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(smtp_server.port),
        # The email of the assignment is sent at once, although that of the membership was sent just before.
        "NOTIFICATION_BATCH_SECONDS": "0",
        "DATA_DIR": str(tmp_path),
    }
    with Processes(tmp_path, **environment) as running:
        running.start("web", "relay", "worker")
        yield running


@pytest.mark.timeout(180)
def test_readme_tour_works_as_printed(processes, smtp_server):
    create_user_with_password(email="member@example.com", name="Mel", password="taskflow-demo", is_verified=True)
    environment = {**os.environ, "TASKFLOW": processes.url}

    process = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", readme_commands()],
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert process.returncode == 0, process.stdout + process.stderr
    assert "Ada assigned T" in process.stdout

    def subjects() -> list[str]:
        return [message["Subject"] for message in smtp_server.messages if message["To"] == "member@example.com"]

    wait_until(lambda: len(subjects()) > 1, seconds=30, what=processes.log("worker"))
    titles = sorted(re.sub(r"^\[.+\] ", "", subject) for subject in subjects())
    assert titles == ["Ada added you to the project Moving house", "Ada assigned this to you: Book the van"]
