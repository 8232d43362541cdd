"""The audit view: who sees it, what its filters find, and what stays private."""

from __future__ import annotations

import csv
import io

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from core.testing.page_client import logged_in_client
from events.models import Event
from tasks.items import drafts
from tasks.items import services as items
from tasks.projects import services as projects

pytestmark = pytest.mark.django_db
URL = "/api/v1/audit/"


@pytest.fixture
def admin():
    return UserFactory(handle="root", role=User.Role.ADMIN)


@pytest.fixture
def work():
    """Ana makes two tasks in a project and one in her inbox; Ben makes none."""
    ana, now = UserFactory(handle="ana", name="=cmd()"), timezone.now()
    UserFactory(handle="ben")
    projects.create(actor=ana, key="OPS", name="Operations")
    items.create_many(
        actor=ana, project_ref="OPS", drafts=[drafts.TaskDraft(title=title) for title in ("First", "Second")], now=now
    )
    inbox = projects.get_or_create_inbox(actor=ana)
    items.create_many(actor=ana, project_ref=str(inbox.pk), drafts=[drafts.TaskDraft(title="Secret gift")], now=now)
    return ana


def test_filters_find_events_by_person_kind_object_and_day(admin, work, client_of):
    client = client_of(admin)
    today = timezone.localdate().isoformat()
    cases = {
        "": Event.objects.count(),
        "kind=task": 3,
        "actor=@ana&kind=task": 3,
        f"actor={work.pk}&kind=task": 3,
        "actor=ben": 0,
        "subject=OPS-2": 1,
        "subject=ops-2&kind=project": 0,
        "subject=OPS": 1,
        f"kind=task&until={today}": 3,
        "kind=task&until=2020-01-01": 0,
    }

    answers = {query: client.get(f"{URL}?{query}&limit=100").json() for query in cases}
    wrong = {query: client.get(f"{URL}?{query}") for query in ("actor=nobody", "subject=XX-1", "kind=x", "since=x")}

    assert {query: len(body["results"]) for query, body in answers.items()} == cases
    second = answers["subject=OPS-2"]["results"][0]
    assert (second["name"], second["actor"], second["subject"]) == ("task.created", "=cmd()", "OPS-2 Second")
    assert {answer.status_code for answer in wrong.values()} == {400}
    assert wrong["actor=nobody"].json()["errors"][0]["field"] == "actor"


def test_personal_inbox_stays_private(admin, work, client_of):
    browser = logged_in_client(admin)

    texts = [client_of(admin).get(f"{URL}?limit=100").text, browser.get("/audit/").content.decode()]
    texts.append(b"".join(browser.get("/audit/events.csv").streaming_content).decode())

    for text in texts:
        assert "OPS-1" in text
        assert "Secret gift" not in text


def test_csv_holds_the_filtered_events_without_formulas(admin, work):
    answer = logged_in_client(admin).get("/audit/events.csv?kind=task&subject=OPS-1")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))

    assert answer["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert [(row["subject"], row["actor"]) for row in rows] == [("OPS-1 First", "'=cmd()")]


def test_audit_view_is_refused_to_others(work, client_of):
    staff = UserFactory(role=User.Role.STAFF)
    browser = logged_in_client(staff)

    answers = [client_of(staff).get(URL), browser.get("/audit/"), browser.get("/audit/events.csv")]

    assert [answer.status_code for answer in answers] == [403] * 3


def test_wrong_filter_on_page_names_the_field(admin, work):
    text = logged_in_client(admin).get("/audit/?actor=nobody").content.decode()

    assert "There is no user with this handle." in text
    assert "No events match." in text
