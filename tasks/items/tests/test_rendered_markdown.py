"""HTML is stored when a text is written, so that showing it renders none."""

from __future__ import annotations

from io import StringIO
from unittest.mock import patch

import pytest
from django.core.management import call_command

import core.markdown
from core.markdown import RENDERER_VERSION, rendered_columns
from core.testing.page_client import logged_in_client, visible_text
from tasks.models import Comment, Task
from tasks.tests.factories import CommentFactory, TaskFactory

pytestmark = pytest.mark.django_db


def render_old_rows() -> str:
    output = StringIO()
    call_command("render_markdown", stdout=output)
    return output.getvalue()


def test_page_of_forty_comments_renders_no_markdown(alice, clients, task, bob):
    clients["alice"].patch(f"/api/v1/tasks/{task.key}/", {"description": "*written*"})
    for number in range(20):
        clients["alice"].post(f"/api/v1/tasks/{task.key}/comments/", {"body": f"written {number}"})
        CommentFactory(task=task, author=bob, body=f"old {number}")
    render_old_rows()
    browser = logged_in_client(alice)

    with patch.object(core.markdown, "render", wraps=core.markdown.render) as render:
        texts = [visible_text(browser.get(f"/tasks/{task.key}/{query}")) for query in ("", "?comments=all")]

    assert render.call_count == 0
    assert {text for text in ("written 19", "old 19") if text not in "".join(texts)} == set()


def test_old_rows_are_rendered_once(task):
    described = TaskFactory(project=task.project, description="**old**")
    CommentFactory(task=task, body="*old*")
    stale = CommentFactory(task=task, **rendered_columns("body", "new") | {"body_html_version": RENDERER_VERSION + 1})

    assert [render_old_rows(), render_old_rows()] == ["Rendered 3 texts\n", ""]
    assert Task.objects.get(pk=described.pk).description_html == "<p><strong>old</strong></p>\n"
    assert set(Comment.objects.values_list("body_html", "body_html_version")) == {
        ("<p><em>old</em></p>\n", RENDERER_VERSION),
        ("<p>new</p>\n", RENDERER_VERSION),
    }
    assert Comment.objects.get(pk=stale.pk).version == stale.version


def test_cleared_description_has_no_html(clients, task):
    for description in ("*some*", ""):
        clients["alice"].patch(f"/api/v1/tasks/{task.key}/", {"description": description})

    row = Task.objects.get(pk=task.pk)
    assert (row.description, row.description_html, row.description_html_version) == ("", "", 0)
