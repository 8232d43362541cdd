from __future__ import annotations

import re

import pytest
from django.utils import timezone

from core.testing.page_client import htmx_headers, is_full_page, logged_in_client, visible_text
from notifications.models import Notification
from notifications.tests.factories import make_notification


def test_shows_ones_own_and_nobody_elses(alice, bob):
    make_notification(alice, title="For Alice")
    make_notification(bob, title="For Bob")

    answer = logged_in_client(alice).get("/inbox/")

    assert [row.title for row in answer.context["page"].rows] == ["For Alice"]
    assert answer.context["unread"] == 1


def test_shows_only_what_is_unread_when_asked(alice):
    make_notification(alice, title="Old", read_at=timezone.now())
    make_notification(alice, title="New")

    answer = logged_in_client(alice).get("/inbox/?show=unread")

    assert [row.title for row in answer.context["page"].rows] == ["New"]


def test_says_what_it_is_for_while_it_is_empty(alice):
    client = logged_in_client(alice)

    assert "No notifications yet" in visible_text(client.get("/inbox/"))
    assert "You're all caught up" in visible_text(client.get("/inbox/?show=unread"))


def test_reads_a_notification_by_following_it(alice):
    told = make_notification(alice)

    answer = logged_in_client(alice).post(f"/inbox/{told.pk}/open/")

    assert (answer.status_code, answer["Location"]) == (302, "/tasks/OPS-42/")
    assert Notification.objects.get().is_read


def test_marks_read_and_unread(alice):
    told = make_notification(alice)
    client = logged_in_client(alice)

    answer = client.post(f"/inbox/{told.pk}/read/", {"next": "/inbox/?show=unread"})
    was_read = Notification.objects.get().is_read
    client.post(f"/inbox/{told.pk}/unread/", {"next": "https://evil.example/"})

    assert answer["Location"] == "/inbox/?show=unread"
    assert was_read
    assert not Notification.objects.get().is_read


def test_sends_htmx_the_list_with_the_new_counts(alice):
    told = make_notification(alice)
    make_notification(alice)

    answer = logged_in_client(alice).post(f"/inbox/{told.pk}/read/", headers=htmx_headers("section#inbox"), follow=True)

    assert not is_full_page(answer)
    assert re.search(r'id="nav-unread" hx-swap-oob="outerHTML" *>1<', answer.content.decode())


def test_marks_all_read_up_to_what_was_shown(alice):
    shown = make_notification(alice)
    later = make_notification(alice, created_at=timezone.now())

    logged_in_client(alice).post("/inbox/read/", {"until": str(shown.pk)})

    assert list(Notification.objects.filter(read_at=None)) == [later]


@pytest.mark.parametrize("verb", ["open", "read", "unread"])
def test_touches_nobody_elses(verb, alice, bob):
    told = make_notification(bob)

    answer = logged_in_client(alice).post(f"/inbox/{told.pk}/{verb}/")

    assert answer.status_code == 404
    assert not Notification.objects.get().is_read


@pytest.mark.parametrize("verb", ["open", "read", "unread"])
def test_is_not_changed_by_a_link(verb, alice):
    told = make_notification(alice)

    assert logged_in_client(alice).get(f"/inbox/{told.pk}/{verb}/").status_code == 405


def test_costs_the_same_for_one_and_for_thirty(alice, queries):
    client = logged_in_client(alice)
    make_notification(alice)
    client.get("/inbox/")
    with queries(at_most=6) as small:
        client.get("/inbox/")

    for _ in range(29):
        make_notification(alice)

    with queries(equal_to=small):
        client.get("/inbox/")
