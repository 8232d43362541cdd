"""From import to statistics: real web, relay and worker processes, and an SMTP server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.db import connection

from accounts.models import User
from core.testing.smtp import SmtpSink
from drills.processes import Processes, wait_until

TODOIST_FILE = Path(__file__).resolve().parents[2] / "tasks/imports/tests/data/todoist/full-todoist-project.csv"
PASSWORD = "correct horse battery"
WAIT_TIMEOUT = 30


@pytest.fixture
def processes(transactional_db: None, smtp_server: SmtpSink, tmp_path: Path) -> Iterator[Processes]:
    smtp_server.reset()
    database = connection.settings_dict
    host = f"host={database['HOST']}&user={database['USER']}"
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"postgresql:///{database['NAME']}?{host}",
        "REDIS_URL": str(settings.CACHES["default"]["LOCATION"]),
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(smtp_server.port),
        # The email of the assignment is sent at once, although that of the membership was sent just before.
        "NOTIFICATION_BATCH_SECONDS": "0",
        "DATA_DIR": str(tmp_path),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "prometheus"),
    }
    (tmp_path / "prometheus").mkdir()
    with Processes(tmp_path, **environment) as running:
        running.start("web", "relay", "worker")
        yield running


class BrowserClient:
    """One user with an API client (JWT) and a browser (session cookie)."""

    def __init__(self, url: str, email: str, name: str) -> None:
        self.url, self.email = url, email
        self.api, self.browser = requests.Session(), requests.Session()
        body = {"email": email, "name": name, "password": PASSWORD}
        response = self.api.post(f"{url}/api/v1/auth/register/", json=body, timeout=WAIT_TIMEOUT).json()
        self.id = response["user"]["id"]
        self.api.headers["Authorization"] = f"Bearer {response['access']}"

    def call(self, method: str, path: str, **options: Any) -> Any:
        response = self.api.request(method, f"{self.url}{path}", timeout=WAIT_TIMEOUT, **options)
        assert response.status_code < 300, response.text
        return response.json() if response.content else None

    def sign_in(self, path: str = "/login/", field: str = "email") -> None:
        page = self.browser.get(f"{self.url}{path}", timeout=WAIT_TIMEOUT).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        form = {"csrfmiddlewaretoken": token[1], field: self.email, "password": PASSWORD}
        response = self.browser.post(
            f"{self.url}{path}", data=form, timeout=WAIT_TIMEOUT, headers={"Referer": self.url}
        )
        assert response.status_code == 200
        assert 'name="password"' not in response.text

    def page(self, path: str) -> str:
        response = self.browser.get(f"{self.url}{path}", timeout=WAIT_TIMEOUT)
        assert response.status_code == 200
        return response.text


def wait_for(condition: Callable[[], bool], processes: Processes) -> None:
    wait_until(
        condition, seconds=WAIT_TIMEOUT, what="\n".join(processes.log(name) for name in ("web", "relay", "worker"))
    )


@pytest.mark.timeout(180)
def test_imported_task_reaches_email_statistics_and_admin(processes: Processes, smtp_server: SmtpSink) -> None:
    lead = BrowserClient(processes.url, "lena@example.com", "Lena Lead")
    member = BrowserClient(processes.url, "milo@example.com", "Milo Member")
    lead.call("POST", "/api/v1/projects/", json={"key": "OPS", "name": "Operations"})
    lead.call("POST", "/api/v1/projects/OPS/members/", json={"user": member.id, "role": "editor"})

    with TODOIST_FILE.open("rb") as file:
        report = lead.call(
            "POST",
            "/api/v1/projects/OPS/imports/",
            data={"source": "todoist"},
            files={"file": (TODOIST_FILE.name, file)},
        )

    tasks = lead.call("GET", "/api/v1/tasks/?project=OPS&limit=100")["results"]
    assert report["created"] == len(tasks) > 0
    task = next(row for row in tasks if row["title"] == "task level two")
    assert task["parent"]["title"] == "task level one"

    lead.call("PATCH", f"/api/v1/tasks/{task['key']}/", json={"assignees": [member.id]})

    def recipients() -> list[str]:
        return [message["To"] for message in smtp_server.messages if task["key"] in message["Subject"]]

    wait_for(lambda: len(recipients()) > 0, processes)
    assert recipients() == [member.email]
    assert member.call("GET", "/api/v1/notifications/?unread=true")["results"][0]["kind"] == "assigned"

    def is_counted() -> bool:
        overview = lead.call("GET", "/api/v1/analytics/overview/?project=OPS")
        return str(overview).count(member.id) > 0

    wait_for(is_counted, processes)
    lead.sign_in()
    assert task["key"] in lead.page("/tasks/?project=OPS")
    assert "Milo Member" in lead.page("/?project=OPS")

    User.objects.filter(pk=lead.id).update(role=User.Role.ADMIN)
    assert task["title"] in lead.page(f"/admin/tasks/task/?q={task['key']}")


@pytest.mark.timeout(180)
def test_large_file_is_imported_by_the_worker_process(processes: Processes) -> None:
    lead = BrowserClient(processes.url, "lena@example.com", "Lena Lead")
    lead.call("POST", "/api/v1/projects/", json={"key": "OPS", "name": "Operations"})
    rows = "".join(f"task,{'long title ' * 10}{number},4,1\n" for number in range(5_000))
    response = lead.api.post(
        f"{processes.url}/api/v1/projects/OPS/imports/",
        data={"source": "todoist"},
        files={"file": ("large.csv", "TYPE,CONTENT,PRIORITY,INDENT\n" + rows)},
        timeout=WAIT_TIMEOUT,
    )
    assert response.status_code == 202

    def has_ended() -> bool:
        return lead.call("GET", response.headers["Location"])["state"] not in {"checking", "importing"}

    wait_for(has_ended, processes)
    assert lead.call("GET", response.headers["Location"])["report"]["created"] == 5_000
