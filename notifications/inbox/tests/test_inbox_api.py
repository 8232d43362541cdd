from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from notifications.models import Notification
from notifications.tests.factories import NOW, make_notification

pytestmark = pytest.mark.django_db
LIST = "/api/v1/notifications/"


def titles(response) -> list[str]:
    return [row["title"] for row in response.json()["results"]]


def test_notification_list_returns_all_fields(client_of, bob):
    notification = make_notification(bob, body="Tuesday")

    response = client_of(bob).get(LIST)

    assert response.status_code == 200
    assert response.json() == {
        "results": [
            {
                "id": str(notification.pk),
                "kind": "assigned",
                "title": "Alice assigned OPS-42 to you",
                "body": "Tuesday",
                "url": "/tasks/OPS-42/",
                "reason": "You're receiving this because the task was assigned to you.",
                "actor_name": "Alice",
                "task_id": str(notification.task_id),
                "task_key": "OPS-42",
                "task_title": "Fix the printer",
                "project_id": str(notification.project_id),
                "project_name": "Operations",
                "team_id": None,
                "team_name": "",
                "due_date": None,
                "due_at": None,
                "created_at": "2026-03-02T09:00:00Z",
                "read_at": None,
            }
        ],
        "next": None,
        "previous": None,
    }


def test_notification_list_is_own_and_paginated_newest_first(client_of, bob, carol):
    for number in range(5):
        make_notification(bob, title=f"{number}", created_at=NOW + timedelta(minutes=number // 2))
    make_notification(carol, title="other")
    client = client_of(bob)

    first = client.get(LIST, {"limit": 3})
    make_notification(bob, title="new", created_at=NOW + timedelta(hours=1))
    second = client.get(first.json()["next"])

    assert titles(first) + titles(second) == ["4", "3", "2", "1", "0"]
    assert second.json()["next"] is None


def test_notification_list_filters_by_kind_and_unread(client_of, bob):
    make_notification(bob, title="unread mention", kind="mentioned")
    make_notification(bob, title="read mention", kind="mentioned", read_at=NOW)
    make_notification(bob, title="unread assignment")
    make_notification(bob, title="by mail only", in_inbox=False)
    client = client_of(bob)

    assert titles(client.get(LIST, {"kind": "mentioned", "unread": "true"})) == ["unread mention"]
    assert titles(client.get(LIST, {"unread": "false"})) == ["read mention"]
    assert client.get(LIST, {"unread": "true", "page": 1}).json()["count"] == 2


def test_notification_list_rejects_invalid_parameters(client_of, bob, subtests):
    client = client_of(bob)
    for name, value in (("unread", "yes"), ("kind", "gossip"), ("colour", "red"), ("limit", "0"), ("cursor", "forged")):
        with subtests.test(f"{name}={value}"):
            response = client.get(LIST, {name: value})

            assert response.status_code == 400
            assert response["Content-Type"] == "application/problem+json"
            assert [error["field"] for error in response.json()["errors"]] == [name]


def test_mark_read_and_unread_return_the_notification(client_of, bob):
    notification = make_notification(bob)
    client = client_of(bob)

    read = client.post(f"{LIST}{notification.pk}/read/")
    unread = client.post(f"{LIST}{notification.pk}/unread/")

    assert (read.status_code, unread.status_code) == (200, 200)
    assert read.json()["read_at"] is not None
    assert unread.json()["read_at"] is None
    assert unread.json()["id"] == str(notification.pk)


@pytest.mark.parametrize("verb", ["read", "unread"])
def test_notification_of_another_user_is_not_found(verb, client_of, bob, mallory):
    notification = make_notification(bob)
    client = client_of(mallory)

    other = client.post(f"{LIST}{notification.pk}/{verb}/")
    missing = client.post(f"{LIST}{uuid.UUID(int=1)}/{verb}/")

    assert (other.status_code, missing.status_code) == (404, 404)
    assert {**other.json(), "instance": ""} == {**missing.json(), "instance": ""}
    assert Notification.objects.get().read_at is None


def test_read_all_marks_up_to_the_given_notification(client_of, bob):
    seen = make_notification(bob)
    make_notification(bob, created_at=NOW + timedelta(seconds=1))
    client = client_of(bob)

    first = client.post(f"{LIST}read-all/", {"until": str(seen.pk)}, format="json")
    rest = client.post(f"{LIST}read-all/")

    assert (first.json(), rest.json()) == ({"marked": 1}, {"marked": 1})
    assert not Notification.objects.filter(read_at=None).exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [({"until": "yesterday"}, 400), ({"until": 7}, 400), ({"since": 1}, 400), ({"until": str(uuid.UUID(int=1))}, 404)],
)
def test_read_all_rejects_invalid_input(body, status, client_of, bob):
    make_notification(bob)

    response = client_of(bob).post(f"{LIST}read-all/", body, format="json")

    assert response.status_code == status
    assert Notification.objects.get().read_at is None


def test_notification_endpoints_require_authentication(db, subtests):
    for method, path in (
        ("get", ""),
        ("post", "read-all/"),
        ("get", "preferences/"),
        ("patch", "preferences/"),
        ("post", f"{uuid.UUID(int=1)}/read/"),
        ("post", f"{uuid.UUID(int=1)}/unread/"),
    ):
        with subtests.test(f"{method} {path}"):
            response = getattr(APIClient(), method)(f"{LIST}{path}")

            assert response.status_code == 401
            assert response["WWW-Authenticate"] == 'Bearer realm="api"'


def test_notification_list_queries_do_not_grow_with_rows(client_of, bob, queries):
    client = client_of(bob)
    make_notification(bob)
    with queries(at_most=2) as small:
        client.get(LIST)
    for _ in range(19):
        make_notification(bob)

    with queries(equal_to=small):
        response = client.get(LIST)

    assert len(response.json()["results"]) == 20
