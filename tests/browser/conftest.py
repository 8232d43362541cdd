"""A browser against a live server: the system's chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import axe_playwright_python
import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.tests.factories import SessionFactory, UserFactory
from core.testing.database import delete_all_rows
from core.testing.page_client import logged_in_client
from events.tests.fixtures import Outbox
from notifications.tests.factories import make_notification
from tasks.comments import services as comments
from tasks.custom_fields import definitions
from tasks.custom_fields import services as custom_fields
from tasks.items import drafts as items_drafts
from tasks.items import services as items_services
from tasks.models import FieldKind, Project, Role
from tasks.projects import services as projects
from tasks.recurrence import services as recurrence
from tasks.reminders import services as reminders
from tasks.tests.factories import MemberFactory, ProjectFactory

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE_SCRIPT = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
CSP_OBSERVER = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:  # with CI=true the launcher refuses to go on without it
                item.add_marker(pytest.mark.skip(reason="needs chromium"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Playwright runs an event loop in this thread, where Django refuses database access otherwise.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield running
        running.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def site(django_db_setup) -> Iterator[LiveServer]:
    """One server for all browser tests; `live_server` would empty the tables after each of them."""
    server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture
def db(django_db_setup) -> None:
    """Tell pytest-django that a database is needed; `sample_workspace` writes to it for a whole module."""


@pytest.fixture(scope="module")
def sample_workspace(browser, site, django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[User]:
    """Return Ada, an administrator with a project, tasks, notifications and an email."""
    mailbox = {
        "MAILBOX_DIR": str(tmp_path_factory.mktemp("mail")),
        "EMAIL_BACKEND": "notifications.email.dev_mailbox.DevMailboxBackend",
    }
    with django_db_blocker.unblock(), override_settings(**mailbox):
        yield _create_users_and_tasks()
        delete_all_rows()


@pytest.fixture
def clean_database(browser, site, django_db_setup, django_db_blocker) -> Iterator[None]:
    """Give one test a database of its own, which the server's threads see too."""
    with django_db_blocker.unblock():
        yield
        delete_all_rows()


def _create_users_and_tasks() -> User:
    ada = UserFactory(handle="ada", name="Ada Admin", role=User.Role.ADMIN)
    bob = UserFactory(handle="bob", name="Bob Builder")
    project = ProjectFactory(key="OPS", name="Operations", owner=ada, description="What runs at night.")
    MemberFactory(project=project, user=bob, role=Role.EDITOR)
    SessionFactory(user=ada, user_agent="curl/8.5", ip_address="192.0.2.7")
    make_notification(ada, body="Could you look at this?", task_key="OPS-1")
    with Outbox().delivering():
        create_sample_work(ada, bob)
    return ada


def create_sample_work(ada: User, bob: User) -> None:
    """Create 65 tasks, then move, comment and finish some of them."""
    now = timezone.now()
    drafts = [_task_data(number, [bob.pk, ada.pk]) for number in range(65)]
    tasks = items_services.create_many(actor=ada, project_ref="OPS", drafts=drafts, now=now - timedelta(days=20))
    for index, task in enumerate(tasks[:9]):
        status = ("in_progress", "done", "cancelled")[index % 3]
        moved_at = now - timedelta(days=index)
        items_services.update(actor=ada, ref=task.key, changes={"status": status}, now=moved_at)
    comments.add(actor=bob, ref="OPS-1", body="I looked, @ada.\n\n```\nlong " + "line " * 40 + "\n```", now=now)
    create_fields(ada)
    create_structure(ada)
    recurrence.set_recurrence(actor=ada, ref="OPS-1", values={"rule": "FREQ=MONTHLY"}, now=now)
    reminders.add(actor=ada, ref="OPS-1", at=now + timedelta(days=1), now=now)


def create_structure(ada: User) -> None:
    """Create a favourite, sections, a full status, a template and a project below."""
    project = Project.objects.get(key="OPS")
    project.favourites.create(user=ada)
    sections = [project.sections.create(name=name, position=place) for place, name in enumerate(("Now", "Later"))]
    for task, section in zip(project.tasks.order_by("number"), sections, strict=False):
        project.tasks.filter(pk=task.pk).update(section=section)
    project.states.filter(slug="todo").update(wip_limit=1)
    project.task_templates.create(name="Weekly report", content={"title": "Report"})
    projects.create(actor=ada, key="SUB", name="Below operations", parent="OPS")


def create_fields(ada: User) -> None:
    """Create a custom field of each kind, with values in the first task."""
    options = [{"name": name, "colour": colour} for name, colour in (("Low", "#12703f"), ("High", "#b4232c"))]
    for kind, label in FieldKind.choices:
        has_options = kind in {FieldKind.SELECT, FieldKind.MULTI_SELECT}
        definitions.create(
            actor=ada,
            ref="OPS",
            name=f"{label} field",
            kind=kind,
            description=f"A {label.lower()} for every task.",
            options=options if has_options else (),
        )
    values = {
        "number_field": 12.5,
        "select_field": "high",
        "multi_select_field": ["low", "high"],
        "text_field": "Two\nlines",
    }
    custom_fields.update_values(actor=ada, ref="OPS-1", fields=values, now=timezone.now())


def _task_data(number: int, user_ids: list[UUID]) -> items_drafts.TaskDraft:
    return items_drafts.TaskDraft(
        title=f"Task {number} with quite a long title that has to fit on a small screen",
        description="Some **words**, `code` and a [link](https://example.com).\n\n1. one\n2. two"
        if number == 0
        else "",
        priority=number % 5,
        due_date=timezone.localdate() + timedelta(days=number - 20) if number % 3 == 0 else None,
        assignees=user_ids[: number % 3],
        labels=["incident", "a longer label"][: number % 3],
    )


@pytest.fixture
def email_id(sample_workspace) -> str:
    return next(path.stem for path in Path(settings.MAILBOX_DIR).glob("*.eml"))


def wait_until(page: Page, expression: str) -> None:
    """Wait until an expression is true on the page.

    `page.wait_for_function` evaluates its text on the page again and again, which the Content-Security-Policy forbids
    from the second time on.
    """
    for _ in range(200):
        # A page that gives way to the next one ends the evaluation.
        with suppress(PlaywrightError):
            if page.evaluate(expression):
                return
        page.wait_for_timeout(50)
    raise AssertionError(f"not true within 10 s: {expression}")


def sign_in(context: BrowserContext, site: LiveServer, user: User) -> None:
    """Put the session cookie of a signed-in user into the browser."""
    cookie = logged_in_client(user).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": site.url}])


@pytest.fixture
def open_page(browser, site, db) -> Iterator:
    """Open a page for a user: `open_page(ada, width=390, scheme="dark")`; signed out if the user is None."""
    contexts: list[BrowserContext] = []

    def page_for(
        user: User | None, *, width: int = 1280, scheme: str = "light", scripts: bool = True, **options: Any
    ) -> Page:
        # A service worker would stand between the page and what a test does with its requests.
        options = {"service_workers": "block", **options}
        context = browser.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=scheme,
            java_script_enabled=scripts,
            base_url=site.url,
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        if scripts:
            context.add_init_script(CSP_OBSERVER)
        if user is not None:
            sign_in(context, site, user)
        return context.new_page()

    yield page_for
    for context in contexts:
        context.close()
