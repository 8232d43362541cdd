from __future__ import annotations

import re

import pytest
from django.utils import timezone

from core.testing.page_client import htmx_headers, is_full_page, logged_in_client, visible_text
from notifications.models import Notification
from notifications.tests.factories import make_notification


def test_inbox_shows_only_own_notifications(alice, bob):
    make_notification(alice, title="For Alice")
    make_notification(bob, title="For Bob")

    response = logged_in_client(alice).get("/inbox/")

    assert [row.title for row in response.context["page"].rows] == ["For Alice"]
    assert response.context["unread"] == 1


def test_inbox_quotes_comments_without_markdown_marks(alice):
    make_notification(alice, body="Please **look** at `it` today")

    assert "Please look at it today" in visible_text(logged_in_client(alice).get("/inbox/"))


def test_inbox_filter_shows_unread_only(alice):
    make_notification(alice, title="Old", read_at=timezone.now())
    make_notification(alice, title="New")

    response = logged_in_client(alice).get("/inbox/?show=unread")

    assert [row.title for row in response.context["page"].rows] == ["New"]


def test_empty_inbox_explains_itself(alice):
    client = logged_in_client(alice)

    assert "No notifications yet" in visible_text(client.get("/inbox/"))
    assert "You're all caught up" in visible_text(client.get("/inbox/?show=unread"))


def test_opened_notification_is_marked_read(alice, task):
    notification = make_notification(alice, task_id=task.pk, project_id=task.project_id, url="/tasks/OPS-1/")

    response = logged_in_client(alice).post(f"/inbox/{notification.pk}/open/")

    assert (response.status_code, response["Location"]) == (302, "/tasks/OPS-1/")
    assert Notification.objects.get().is_read


def test_notification_is_marked_read_and_unread(alice):
    notification = make_notification(alice)
    client = logged_in_client(alice)

    response = client.post(f"/inbox/{notification.pk}/read/", {"next": "/inbox/?show=unread"})
    was_read = Notification.objects.get().is_read
    client.post(f"/inbox/{notification.pk}/unread/", {"next": "https://evil.example/"})

    assert response["Location"] == "/inbox/?show=unread"
    assert was_read
    assert not Notification.objects.get().is_read


def test_htmx_response_has_the_list_and_new_counts(alice):
    notification = make_notification(alice)
    make_notification(alice)

    response = logged_in_client(alice).post(
        f"/inbox/{notification.pk}/read/", headers=htmx_headers("section#inbox"), follow=True
    )

    assert not is_full_page(response)
    assert re.search(r'id="nav-unread" hx-swap-oob="outerHTML" *>1<', response.content.decode())


def test_mark_all_read_leaves_later_notifications_unread(alice):
    newest = make_notification(alice)
    later = make_notification(alice, created_at=timezone.now())

    logged_in_client(alice).post("/inbox/read/", {"until": str(newest.pk)})

    assert list(Notification.objects.filter(read_at=None)) == [later]


@pytest.mark.parametrize("verb", ["open", "read", "unread"])
def test_notification_of_another_user_is_not_found(verb, alice, bob):
    notification = make_notification(bob)

    response = logged_in_client(alice).post(f"/inbox/{notification.pk}/{verb}/")

    assert response.status_code == 404
    assert not Notification.objects.get().is_read


@pytest.mark.parametrize("verb", ["open", "read", "unread"])
def test_notification_is_not_changed_by_get(verb, alice):
    notification = make_notification(alice)

    assert logged_in_client(alice).get(f"/inbox/{notification.pk}/{verb}/")["Location"] == "/inbox/"
    assert not Notification.objects.get().is_read


def test_inbox_queries_do_not_grow_with_notifications(alice, queries):
    client = logged_in_client(alice)
    make_notification(alice)
    client.get("/inbox/")
    with queries(at_most=6) as small:
        client.get("/inbox/")

    for _ in range(29):
        make_notification(alice)

    with queries(equal_to=small):
        client.get("/inbox/")
