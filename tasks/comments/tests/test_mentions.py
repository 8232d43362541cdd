"""Mentions in comments and descriptions, also when an edit adds them."""

from __future__ import annotations

import pytest

from core.testing.page_client import logged_in_client
from tasks.mentions import find_handles, highlight_mentions
from tasks.models import Comment, Task

pytestmark = pytest.mark.django_db
TASK = "/api/v1/tasks/OPS-1/"
COMMENTS = f"{TASK}comments/"


@pytest.mark.parametrize(
    ("text", "handles"),
    [
        ("@ana, (@bob) and @Carol.", {"ana", "bob", "carol"}),
        ("请@ana看一下", {"ana"}),
        ("お願い@bobさん", {"bob"}),
        ("ถึง@ana ด้วย", {"ana"}),
        ("한국@bob님", {"bob"}),
        ("＠ana", {"ana"}),
        ("привет,@ana", {"ana"}),
        ("שלום @ana", {"ana"}),
        ("mail@example.org jörg@example.org почта@example.org", set()),
        ("a@@ana a.@ana", set()),
    ],
)
def test_handle_is_found_beside_any_script(text, handles):
    assert find_handles(text) == handles


def test_comment_edit_notifies_the_newly_named_once(clients, task, bob, outbox):
    comment = clients["alice"].post(COMMENTS, {"body": "first version"}).json()
    url = f"{COMMENTS}{comment['id']}/"
    for body in ("@bob please look", "@bob please look again", "nobody", "@bob once more"):
        clients["alice"].patch(url, {"body": body})

    event = outbox.only("task.mentioned")
    assert (event["mentioned_ids"], event["comment_id"]) == ([str(bob.pk)], comment["id"])
    assert event["excerpt"] == "@bob please look"


def test_comment_edit_notifies_none_of_those_named_before(clients, task, outbox):
    comment = clients["alice"].post(COMMENTS, {"body": "hello @bob"}).json()
    clients["alice"].patch(f"{COMMENTS}{comment['id']}/", {"body": "good morning @bob and @mallory"})

    assert "task.mentioned" not in outbox.names()  # mallory may not see the task


def test_description_notifies_whom_it_newly_names(clients, project, bob, outbox):
    clients["alice"].post("/api/v1/tasks/", {"project": "OPS", "title": "New", "description": "for @bob"})
    clients["alice"].patch(TASK, {"description": "for @bob and @alice, soon"})
    clients["alice"].post("/api/v1/tasks/", {"project": "OPS", "title": "Plain", "description": "for nobody"})
    clients["alice"].patch("/api/v1/tasks/OPS-2/", {"description": "请@bob看"})

    events = outbox.payloads("task.mentioned")
    assert [event["task"]["key"] for event in events] == ["OPS-1", "OPS-2"]
    assert {tuple(event["mentioned_ids"]) for event in events} == {(str(bob.pk),)}


def test_stored_html_follows_the_text(clients, task):
    comment = clients["alice"].post(COMMENTS, {"body": "*one*"}).json()
    clients["alice"].patch(f"{COMMENTS}{comment['id']}/", {"body": "**two**"})
    clients["alice"].patch(TASK, {"description": "*three*"})

    assert Comment.objects.get().body_html == "<p><strong>two</strong></p>\n"
    assert Task.objects.get().description_html == "<p><em>three</em></p>\n"


def test_mentions_are_marked_for_those_who_know_the_people(clients, task, alice, bob):
    body = '@bob. @BOB @nobody `@bob` [a @bob link](https://example.com/@bob) "@alice" bob@bob.example @bob-2'
    clients["alice"].post(COMMENTS, {"body": body})
    page = logged_in_client(alice).get("/tasks/OPS-1/").content.decode()

    comment = page[page.index('id="comments"') :].partition("</article>")[0]
    assert comment.count('class="mention"') == 2
    assert f'<span class="mention" title="{bob.name}">@bob</span>. ' in comment
    assert f'<span class="mention own" title="{alice.name}">@alice</span>' in comment
    assert "<code>@bob</code>" in comment
    assert highlight_mentions('<a title="a > @bob">@bob</a> ＠bob', {"bob": "<Bob>"}, "") == (
        '<a title="a > @bob">@bob</a> <span class="mention" title="&lt;Bob&gt;">@bob</span>'
    )
