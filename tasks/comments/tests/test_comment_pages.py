from __future__ import annotations

import pytest

from core.testing.page_client import htmx_headers, is_full_page, logged_in_client
from tasks.models import Comment
from tasks.tests.factories import CommentFactory, TaskShareFactory


def test_comments_and_returns_to_the_task(task, commenter):
    response = logged_in_client(commenter).post("/tasks/OPS-1/comments/", {"body": "Done?"})

    assert (response.status_code, response["Location"]) == (302, "/tasks/OPS-1/")
    assert Comment.objects.get().author == commenter


def test_shows_htmx_the_comments_after_the_redirect(task, commenter):
    headers = htmx_headers("section#comments")

    response = logged_in_client(commenter).post(
        "/tasks/OPS-1/comments/", {"body": "Done?"}, headers=headers, follow=True
    )

    assert not is_full_page(response)
    assert "Done?" in response.content.decode()


@pytest.mark.parametrize("body", ["", "   \n ", "x" * 20_001, "a\x00b"])
def test_names_what_is_wrong(body, task, bob):
    reader = logged_in_client(bob)

    whole = reader.post("/tasks/OPS-1/comments/", {"body": body})
    fragment = reader.post("/tasks/OPS-1/comments/", {"body": body}, headers=htmx_headers("section#comments"))

    assert (whole.status_code, fragment.status_code) == (422, 422)
    assert (is_full_page(whole), is_full_page(fragment)) == (True, False)
    assert Comment.objects.count() == 0


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("mallory", 404)])
def test_lets_only_commenters_comment(who, status, task, request, outbox):
    response = logged_in_client(request.getfixturevalue(who)).post("/tasks/OPS-1/comments/", {"body": "Hi"})

    assert response.status_code == status
    assert Comment.objects.count() == 0
    assert outbox.names() == []


def test_lets_the_author_change_and_delete_a_comment(comment, bob):
    reader = logged_in_client(bob)
    url = f"/tasks/OPS-1/comments/{comment.pk}/"

    assert reader.get(url).status_code == 200
    assert reader.post(url, {"body": "Better.", "version": "1"}).status_code == 302
    assert Comment.objects.get().body == "Better."
    assert reader.post(f"{url}delete/").status_code == 302
    assert Comment.objects.count() == 0


def test_shows_a_conflict_of_two_tabs(comment, bob):
    response = logged_in_client(bob).post(f"/tasks/OPS-1/comments/{comment.pk}/", {"body": "Old tab", "version": "9"})

    assert response.status_code == 409
    assert Comment.objects.get().body == "Looks good."


def test_lets_nobody_else_change_it(comment, commenter):
    reader = logged_in_client(commenter)

    assert reader.post(f"/tasks/OPS-1/comments/{comment.pk}/", {"body": "Forged"}).status_code == 404
    assert reader.post(f"/tasks/OPS-1/comments/{comment.pk}/delete/").status_code == 403
    assert Comment.objects.get().body == "Looks good."


def test_comment_form_suggests_members_to_members_alone(task, bob, alice, mallory):
    TaskShareFactory(task=task, user=mallory, role="commenter")
    pages = [
        logged_in_client(user).get(f"/tasks/OPS-1/comments/{CommentFactory(task=task, author=user).pk}/")
        for user in (bob, mallory)
    ]

    assert [b'<option value="alice">' in page.content for page in pages] == [True, False]
    assert [page.status_code for page in pages] == [200, 200]
