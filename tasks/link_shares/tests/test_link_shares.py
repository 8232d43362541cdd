"""Links: what whoever has one sees, and when it stops working."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from core.testing.page_client import logged_in_client
from tasks.link_shares import pages
from tasks.link_shares.tokens import make_token, parse_token
from tasks.models import LinkShare, TaskShare
from tasks.models.link_share import MAX_LINKS
from tasks.tests.factories import CommentFactory, LinkShareFactory, TaskFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/tasks/OPS-1/links/"


def opened(client, link):
    return client.get("/shared-task/", {"link": make_token(link.pk)})


def test_link_shows_one_task_to_anybody(clients, task, comment):
    url = clients["alice"].post(URL, {}).json()["url"]
    TaskFactory(project=task.project, title="Another task")

    page = Client().get(url.split("8000")[-1])

    text = page.content.decode()
    assert page.status_code == 200
    assert task.title in text
    assert comment.body in text
    assert "Another task" not in text
    assert page["X-Robots-Tag"] == "noindex, nofollow"
    assert page["Referrer-Policy"] == "strict-origin"
    assert "no-store" in page["Cache-Control"]


def test_link_stops_working(clients, task, alice, viewer):
    now = timezone.now()
    links = {
        "works": LinkShareFactory(task=task, creator=alice),
        "expired": LinkShareFactory(task=task, creator=alice, expires_at=now - timedelta(seconds=1)),
        "revoked": LinkShareFactory(task=task, creator=alice),
        "deactivated": LinkShareFactory(task=task, creator=User.objects.create(handle="gone", is_active=False)),
        "left": LinkShareFactory(task=task, creator=viewer),
    }
    assert clients["bob"].delete(f"{URL}{links['revoked'].pk}/").status_code == 204
    token = make_token(links["works"].pk)
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")

    statuses = {name: opened(Client(), link).status_code for name, link in links.items()}

    assert statuses == {"works": 200, "expired": 404, "revoked": 404, "deactivated": 404, "left": 404}
    for text in (forged, "", "x" * 43, "é" * 43, token + "A", "A" * 5000):
        assert parse_token(text) is None
        assert Client().get("/shared-task/", {"link": text}).status_code == 404
    task.delete()
    assert opened(Client(), links["works"]).status_code == 404


def test_link_with_a_password_asks_for_it(clients, task):
    created = clients["alice"].post(URL, {"password": "a quiet river"}).json()
    link, visitor = LinkShare.objects.get(), Client()
    form = {"link": make_token(link.pk)}

    first = opened(visitor, link)
    wrong = visitor.post("/shared-task/", {**form, "password": "a loud river"})
    still_closed = opened(visitor, link)
    right = visitor.post("/shared-task/", {**form, "password": "a quiet river"})
    visible = opened(visitor, link)
    LinkShare.objects.update(password_hash="changed")

    assert created["has_password"] is True
    assert "password" not in created
    for page in (first, wrong, still_closed):
        assert task.title not in page.content.decode()
    assert (first.status_code, wrong.status_code, right.status_code) == (200, 403, 302)
    assert task.title in visible.content.decode()
    # Whoever gave the former password gives the new one.
    assert task.title not in opened(visitor, link).content.decode()


def test_visitor_joins_to_comment_only_where_the_link_allows(task, alice, mallory):
    reading = LinkShareFactory(task=task, creator=alice)
    commenting = LinkShareFactory(task=task, creator=alice, role="commenter")
    page = logged_in_client(mallory)

    rejected = page.post("/shared-task/", {"link": make_token(reading.pk)})
    before = TaskShare.objects.count()
    joined = page.post("/shared-task/", {"link": make_token(commenting.pk)})
    member = logged_in_client(alice).post("/shared-task/", {"link": make_token(commenting.pk)})

    assert (rejected.status_code, before) == (403, 0)
    assert (joined.status_code, joined["Location"]) == (302, f"/tasks/{task.key}/")
    assert member.status_code == 302
    share = TaskShare.objects.get()
    assert (share.user, share.role, share.shared_by) == (mallory, "commenter", alice)


def test_link_is_created_within_limits(clients, task, alice):
    CommentFactory(task=task)
    answers = [
        (clients["alice"].post(URL, {"role": "editor"}), "role"),
        (clients["alice"].post(URL, {"password": "short"}), "password"),
        (clients["alice"].post(URL, {"expires_at": "2020-01-01T00:00:00Z"}), "expires_at"),
    ]
    before = LinkShare.objects.count()
    for _ in range(MAX_LINKS):
        LinkShareFactory(task=task, creator=alice)
    full = clients["alice"].post(URL, {})

    for answer, field in answers:
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert before == 0
    assert (full.status_code, full.json()["code"]) == (409, "too_many_links")
    assert LinkShare.objects.count() == MAX_LINKS


def test_link_password_beyond_the_rate_is_refused(clients, task, monkeypatch):
    monkeypatch.setattr(pages, "GUESS_RATE", "3/h")
    clients["alice"].post(URL, {"password": "a quiet river"})
    form = {"link": make_token(LinkShare.objects.get().pk)}

    # Right ones spend nothing, and each visitor has another address.
    right = [Client().post("/shared-task/", {**form, "password": "a quiet river"}).status_code for _ in range(5)]
    wrong = [Client().post("/shared-task/", {**form, "password": f"guess {n}"}).status_code for n in range(4)]
    late = Client().post("/shared-task/", {**form, "password": "a quiet river"})

    assert right == [302] * 5
    assert wrong == [403, 403, 403, 429]
    assert late.status_code == 429
    assert task.title not in late.content.decode()
