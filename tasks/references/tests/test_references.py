"""References to tasks: titles for those who may see them, and the same link for hidden and missing tasks."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from core.markdown import render, rendered_columns
from core.testing.page_client import logged_in_client
from tasks.models import Task
from tasks.references.selectors import MAX_REFERENCES, add_titles, find_references
from tasks.tests.factories import CommentFactory, ProjectFactory, TaskFactory, TaskShareFactory

pytestmark = pytest.mark.django_db


def link_texts(html):
    return re.findall(r'href="/tasks/[A-Z0-9]+-\d+/"[^>]*>(.*?)</a>', html)


def test_titles_are_shown_to_readers_of_the_task_only(task, project, alice, mallory, django_assert_num_queries):
    other = TaskFactory(project=project, title="Buy <b>paper</b> & ink")
    hidden = TaskFactory(project=ProjectFactory(key="HID"), title="Secret plan")
    text = f"{other.key}, {hidden.key}, {hidden.project.key}-999, `{other.key}`, [{other.key}](https://example.com)"
    html = render(text)

    with django_assert_num_queries(1):
        references = find_references(alice, [html, html, "<p>No key</p>"])
    titled = add_titles(html, references)

    assert link_texts(titled) == [
        f"{other.key} <bdi>Buy &lt;b&gt;paper&lt;/b&gt; &amp; ink</bdi>",
        hidden.key,
        f"{hidden.project.key}-999",
    ]
    assert f"<code>{other.key}</code>" in titled
    assert add_titles(html, find_references(mallory, [html])) == html
    # A hidden task and a missing one look the same.
    alone = [render(key) for key in (hidden.key, "HID-999")]
    variants = [add_titles(text, find_references(alice, [text])) for text in alone]
    assert variants[0].replace(hidden.key, "KEY") == variants[1].replace("HID-999", "KEY")
    with django_assert_num_queries(0):
        assert find_references(alice, ["<p>No key</p>"]) == {}


def test_links_written_by_hand_break_no_page(task, alice, bob):
    # Longer than an integer of Python may be, of the database, and of a key.
    texts = [f"[OPS-{'9' * size}](/tasks/OPS-{'9' * size}/)" for size in (5000, 30, 10)]
    CommentFactory(task=task, author=bob, body=" ".join([*texts, task.key]))

    page = logged_in_client(alice).get(f"/tasks/{task.key}/")

    assert page.status_code == 200
    assert f"{task.key} <bdi>{task.title}</bdi>" in page.content.decode()


def test_closed_tasks_are_struck_through_and_keys_are_bounded(project, alice):
    tasks = [TaskFactory(project=project) for _ in range(3)]
    done = project.states.get(slug="done")
    Task.objects.filter(pk=tasks[0].pk).update(state=done, category="done", closed_at=timezone.now())
    many = render("\n".join(f"OPS-{number}" for number in range(1000, 1000 + MAX_REFERENCES)))
    last = render(tasks[1].key)

    titled = add_titles(render(tasks[0].key), find_references(alice, [render(tasks[0].key)]))

    assert "<s>" in titled
    assert "(closed)" in titled
    assert find_references(alice, [many, last]) == {}
    assert list(find_references(alice, [last, many])) == [tasks[1].key]


def test_page_shows_titles_in_description_and_comments(task, project, alice, mallory):
    other = TaskFactory(project=project, title="Buy paper")
    Task.objects.filter(pk=task.pk).update(**rendered_columns("description", f"After {other.key}"))
    CommentFactory(task=task, author=alice, **rendered_columns("body", f"See {other.key}"))
    TaskShareFactory(task=task, user=mallory)

    pages = [logged_in_client(user).get(f"/tasks/{task.key}/").content.decode() for user in (alice, mallory)]

    assert [page.count(f"{other.key} <bdi>Buy paper</bdi>") for page in pages] == [2, 0]
    assert "Buy paper" not in pages[1]
    assert pages[1].count(f">{other.key}</a>") == 2
