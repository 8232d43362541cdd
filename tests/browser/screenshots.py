"""`make screenshots`: a picture of every page, with the demo data, to look at before a change is merged.

Not collected by `make test`, because it asserts nothing but that the pages open.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db.models import Count

from accounts.models import User
from accounts.tests.factories import UserFactory
from core.testing.database import delete_all_rows
from tasks.models import SavedFilter, Task

# Of the page, the colour scheme and the width: name -> keyword arguments of `open_page`.
VIEWS = {
    "light": {"width": 1280, "scheme": "light"},
    "dark": {"width": 1280, "scheme": "dark"},
    "phone-light": {"width": 390, "scheme": "light"},
    "phone-dark": {"width": 390, "scheme": "dark"},
}
DOCUMENTED = {"/": "overview", "/projects/{project}/board/": "board", "/tasks/{task}/": "task"}
PAGES = (
    "/",
    "/tasks/",
    "/tasks/?search=nothing-like-it",
    "/tasks/?filter=stat:open",
    "/tasks/new/",
    "/tasks/quick-add/",
    "/tasks/{task}/",
    "/tasks/{task}/versions/",
    "/tasks/{task}/access/",
    "/tasks/{task}/delete/",
    "/projects/",
    "/projects/new/",
    "/projects/{project}/",
    "/projects/{project}/?group=section",
    "/projects/{project}/board/",
    "/projects/{project}/board/?swimlanes=assignee",
    "/projects/{project}/calendar/",
    "/calendar/?view=week",
    "/calendar/?view=agenda",
    "/reports/",
    "/reports/throughput/",
    "/reports/cycle-time/",
    "/reports/cumulative-flow/",
    "/reports/forecast/",
    "/projects/{project}/edit/",
    "/projects/{project}/states/",
    "/projects/{project}/sections/",
    "/projects/{project}/templates/",
    "/projects/{project}/fields/",
    "/filters/",
    "/filters/new/?filter=is:overdue",
    "/fields/",
    "/inbox/",
    "/import/",
    "/trash/",
    "/reports/",
    "/reports/throughput/",
    "/reports/burndown/",
    "/reports/cumulative-flow/",
    "/reports/cycle-time/",
    "/reports/ageing/",
    "/reports/workload/",
    "/reports/time/",
    "/reports/forecast/",
    "/reports/calibration/",
    "/people/",
    "/settings/",
    "/settings/notifications/",
    "/settings/security/",
    "/settings/sessions/",
    "/settings/api-keys/",
    "/settings/privacy/",
    "/tasks/NOT-1/",
)
EMPTY_PAGES = ("/", "/tasks/", "/projects/", "/inbox/", "/filters/", "/trash/")
SIGNED_OUT_PAGES = ("/login/", "/register/", "/password/reset/", "/invitation/?token=wrong")


@pytest.fixture(scope="module")
def demo(browser, site, django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        call_command("demo")
        yield
        delete_all_rows()


def take(page, url: str, folder: Path, name: str) -> None:
    page.goto(url)
    page.screenshot(path=folder / f"{name}.png", full_page=True)


def file_name(url: str) -> str:
    parts = urlsplit(url)
    return (
        "-".join(
            part for part in re.sub(r"[{}]", "", f"{parts.path}/{parts.query}").replace("=", "/").split("/") if part
        )
        or "overview"
    )


@pytest.mark.timeout(1800)
def test_screenshots_of_every_page(demo, open_page):
    folder = Path(os.environ["DATA_DIR"]) / "screenshots"
    lead = User.objects.get(email="lead@example.com")
    admin = User.objects.get(email="admin@example.com")
    busiest = Task.objects.filter(project__is_inbox=False, project__members=lead, closed_at=None).exclude(
        description=""
    )
    task = busiest.annotate(count=Count("comments")).order_by("-count", "pk").first()
    assert task
    SavedFilter.objects.create(owner=lead, name="Urgent and mine", filter="state:open priority>=high assignee:@me")
    places = {"project": task.project.key, "task": task.key}
    for view, options in VIEWS.items():
        (folder / view).mkdir(parents=True, exist_ok=True)
        page = open_page(lead, **options)
        for url in PAGES:
            take(
                open_page(admin, **options) if "/people/" in url else page,
                url.format(**places),
                folder / view,
                file_name(url),
            )
        page = open_page(UserFactory(), **options)
        for url in EMPTY_PAGES:
            take(page, url, folder / view, f"empty-{file_name(url)}")
        page = open_page(None, **options)
        for url in SIGNED_OUT_PAGES:
            take(page, url, folder / view, file_name(url))
    page = open_page(lead, width=1280)
    (folder / "docs").mkdir(exist_ok=True)
    for url, name in DOCUMENTED.items():
        page.goto(url.format(**places))
        page.screenshot(path=folder / "docs" / f"{name}.png")
