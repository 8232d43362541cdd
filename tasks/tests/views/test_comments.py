from __future__ import annotations

import pytest

from core.testing.pages import browser_of, is_whole, replacing
from tasks.models import Comment


def test_comments_and_returns_to_the_task(task, commenter):
    answer = browser_of(commenter).post("/tasks/OPS-1/comments/", {"body": "Done?"})

    assert (answer.status_code, answer["Location"]) == (302, "/tasks/OPS-1/")
    assert Comment.objects.get().author == commenter


def test_shows_htmx_the_comments_after_the_redirect(task, commenter):
    headers = replacing("section#comments")

    answer = browser_of(commenter).post("/tasks/OPS-1/comments/", {"body": "Done?"}, headers=headers, follow=True)

    assert not is_whole(answer)
    assert "Done?" in answer.content.decode()


@pytest.mark.parametrize("body", ["", "   \n ", "x" * 20_001, "a\x00b"])
def test_names_what_is_wrong(body, task, bob):
    reader = browser_of(bob)

    whole = reader.post("/tasks/OPS-1/comments/", {"body": body})
    fragment = reader.post("/tasks/OPS-1/comments/", {"body": body}, headers=replacing("section#comments"))

    assert (whole.status_code, fragment.status_code) == (422, 422)
    assert (is_whole(whole), is_whole(fragment)) == (True, False)
    assert Comment.objects.count() == 0


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("mallory", 404)])
def test_lets_only_commenters_comment(who, status, task, request, outbox):
    answer = browser_of(request.getfixturevalue(who)).post("/tasks/OPS-1/comments/", {"body": "Hi"})

    assert answer.status_code == status
    assert Comment.objects.count() == 0
    assert outbox.names() == []


def test_lets_the_author_change_and_delete_a_comment(comment, bob):
    reader = browser_of(bob)
    url = f"/tasks/OPS-1/comments/{comment.pk}/"

    assert reader.get(url).status_code == 200
    assert reader.post(url, {"body": "Better.", "version": "1"}).status_code == 302
    assert Comment.objects.get().body == "Better."
    assert reader.post(f"{url}delete/").status_code == 302
    assert Comment.objects.count() == 0


def test_shows_a_conflict_of_two_tabs(comment, bob):
    answer = browser_of(bob).post(f"/tasks/OPS-1/comments/{comment.pk}/", {"body": "Old tab", "version": "9"})

    assert answer.status_code == 409
    assert Comment.objects.get().body == "Looks good."


def test_lets_nobody_else_change_it(comment, commenter):
    reader = browser_of(commenter)

    assert reader.post(f"/tasks/OPS-1/comments/{comment.pk}/", {"body": "Forged"}).status_code == 404
    assert reader.post(f"/tasks/OPS-1/comments/{comment.pk}/delete/").status_code == 403
    assert Comment.objects.get().body == "Looks good."
