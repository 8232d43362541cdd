"""The calendar feed: who reads what with which token."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import urlsplit

import pytest
from icalendar import Calendar

from accounts.auth.security_notifications import notify_security_change
from accounts.tests.factories import UserFactory
from core.clock import current_time
from core.testing.page_client import logged_in_client
from events.models import Event
from notifications.models import OutgoingEmail
from tasks.calendar_feed import handlers, selectors, services
from tasks.models import CalendarFeed, ProjectMember, Task
from tasks.tests.factories import AssigneeFactory, ProjectFactory, TaskFactory

TITLE = "Pay; rent, and\\or " + "ünïcode " * 20 + "!"


@pytest.fixture
def alice(db):
    return UserFactory(name="Alice", time_zone="Pacific/Kiritimati")


@pytest.fixture
def project(alice):
    return ProjectFactory(key="OPS", owner=alice)


def path_of(feed) -> str:
    parts = urlsplit(feed.url)
    return f"{parts.path}?{parts.query}"


def test_feed_holds_assigned_visible_tasks(client, alice, project, monkeypatch):
    own = {"project": project}
    day = TaskFactory(**own, title=TITLE, due_date=date(2026, 3, 29))
    instant = TaskFactory(**own, due_at=datetime(2026, 11, 30, 9, 30, tzinfo=UTC))
    TaskFactory(**own, title="Without a date")
    TaskFactory(project=project, title="Of nobody", due_date=date(2026, 3, 29))
    done = project.states.get(slug="done")
    TaskFactory(
        **own, title="Long done", state=done, closed_at=datetime(2020, 1, 1, tzinfo=UTC), due_date=date(2020, 1, 1)
    )
    former = TaskFactory(title="Of a project left", due_date=date(2026, 3, 29))
    for task in Task.objects.exclude(title="Of nobody"):
        AssigneeFactory(task=task, user=alice)
    ProjectMember.objects.filter(project=former.project, user=alice).delete()
    path = path_of(services.create(actor=alice, now=current_time()))

    response = client.get(path)

    assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert max(map(len, response.content.split(b"\r\n"))) <= 75
    events = {str(event["uid"]): event for event in Calendar.from_ical(response.content).walk("VEVENT")}
    assert set(events) == {f"{day.pk}@taskflow", f"{instant.pk}@taskflow"}
    of_day, of_instant = events[f"{day.pk}@taskflow"], events[f"{instant.pk}@taskflow"]
    assert str(of_day["summary"]) == TITLE
    assert (of_day["dtstart"].dt, of_day["dtend"].dt) == (date(2026, 3, 29), date(2026, 3, 30))
    assert of_instant["dtstart"].dt == datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
    assert b"DTSTART:20261130T093000Z" in response.content

    unchanged = client.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    Task.objects.filter(pk=day.pk).update(title="Pay less", version=2)
    assert client.get(path, headers={"If-None-Match": response.headers["ETag"]}).status_code == 200
    monkeypatch.setattr(selectors, "MAX_TASKS", 1)
    assert client.get(path).content.count(b"BEGIN:VEVENT") == 1


def test_feed_ends_with_its_token_and_its_owner(client, alice, project, caplog):
    browser = logged_in_client(alice)
    first = browser.post("/settings/calendar/").context["feed"]
    second = browser.post("/settings/calendar/").context["feed"]
    token = second.url.partition("token=")[2]
    assert token not in browser.get("/settings/calendar/").text

    # Replaced, wrong and empty tokens look the same as none.
    dead = [path_of(first), f"{path_of(second)}x", "/calendar/feed.ics?token=", "/calendar/feed.ics"]
    assert [client.get(path).status_code for path in dead] == [404] * 4
    assert client.get(path_of(second)).status_code == 200
    assert client.post(path_of(second)).status_code == 405
    assert token not in caplog.text
    assert token not in str(CalendarFeed.objects.values())

    alice.is_active = False
    alice.save()
    assert client.get(path_of(second)).status_code == 404
    alice.is_active = True
    alice.save()
    assert client.get(path_of(second)).status_code == 200
    browser = logged_in_client(alice)
    assert browser.post("/settings/calendar/revoke/").status_code == 302
    assert client.get(path_of(second)).status_code == 404
    assert not CalendarFeed.objects.exists()


def test_feed_is_managed_by_the_api(client, alice, client_of):
    api = client_of(alice)
    none = {"url": None, "created_at": None}
    assert api.get("/api/v1/me/calendar-feed/").json() == none

    created = api.post("/api/v1/me/calendar-feed/")

    url = created.json()["url"]
    assert created.status_code == 201
    assert client.get(url[url.index("/calendar/") :]).status_code == 200
    state = api.get("/api/v1/me/calendar-feed/").json()
    assert (state["url"], state["created_at"]) == (None, created.json()["created_at"])
    assert api.delete("/api/v1/me/calendar-feed/").status_code == 204
    assert api.get("/api/v1/me/calendar-feed/").json() == none


def test_new_link_is_in_the_security_log_and_mailed(alice):
    services.create(actor=alice, now=current_time())

    event = Event.objects.get(name="user.security_changed", subject_id=alice.pk)
    assert event.payload["change"] == "calendar_link_created"
    assert OutgoingEmail.objects.get(to=alice.email).kind == "security_changed"


def test_password_reset_revokes_the_link(client, alice, outbox):
    feed, other = (services.create(actor=user, now=current_time()) for user in (alice, UserFactory()))
    now = current_time()

    with outbox.delivering():
        notify_security_change(user=alice, change="password_changed", now=now)
    after_change = client.get(path_of(feed)).status_code
    with outbox.delivering():
        notify_security_change(user=alice, change="password_reset", now=now)
    answers = [client.get(path_of(link)).status_code for link in (feed, other)]
    # A redelivered event must not revoke a link that was made since.
    newer = services.create(actor=alice, now=current_time())
    handlers.revoke_feed(Event.objects.filter(payload__change="password_reset").get())

    assert (after_change, answers) == (200, [404, 200])
    assert client.get(path_of(newer)).status_code == 200
