"""Previous and next task of the list that a task was opened from."""

from __future__ import annotations

import html
import re

import pytest

from core.testing.page_client import logged_in_client
from tasks.tests.factories import MemberFactory, ProjectFactory, TaskFactory

pytestmark = pytest.mark.django_db


def test_task_page_leads_through_the_list_it_came_from(project, alice, bob):
    names = ("apple", "banana", "cherry")
    tasks = [TaskFactory(project=project, title=title, priority=2) for title in names]
    hidden = TaskFactory(project=ProjectFactory(), title="avocado", priority=2)
    page = logged_in_client(alice)

    response = page.get("/tasks/?priority=2&ordering=title")
    [url] = re.findall(rf'href="(/tasks/{tasks[1].key}/\?[^"]*)"', response.content.decode())
    url = html.unescape(url)
    neighbours = page.get(url).context["neighbours"]
    assert neighbours[:4] == (2, 3, tasks[0].key, tasks[2].key)
    back = page.get(f"/tasks/?{neighbours.list_query}")
    assert [row.task for row in back.context["rows"]] == tasks

    # Only what the reader sees; nothing for another filter, another order or a wrong one.
    query = url.partition("?")[2]
    assert page.get(f"/tasks/{hidden.key}/?{query}").status_code == 404
    for other in ("", "list=priority:low", "list=((", "list=nothing:x", f"{query}&ordering=evil", "list=%00"):
        assert page.get(f"/tasks/{tasks[1].key}/?{other}").context["neighbours"] is None, other
    ends = [page.get(f"/tasks/{task.key}/?{query}").context["neighbours"] for task in (tasks[0], tasks[2])]
    assert [(place.previous, place.next) for place in ends] == [("", tasks[1].key), (tasks[1].key, "")]
    MemberFactory(project=hidden.project, user=alice)
    assert page.get(url).context["neighbours"].total == 4


def test_way_through_a_list_takes_one_more_query(project, task, alice, queries):
    page = logged_in_client(alice)
    url = f"/tasks/{task.key}/"
    page.get(url)
    with queries() as without:
        page.get(url)
    with queries() as with_list:
        assert page.get(f"{url}?list=state:open").context["neighbours"].total == 1
    assert with_list.count == without.count + 1
