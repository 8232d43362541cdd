"""Names of a filter where there are too many for each page."""

from __future__ import annotations

import pytest

from accounts.tests.factories import UserFactory
from core.testing.page_client import logged_in_client
from tasks.tests.factories import MemberFactory, ProjectFactory

pytestmark = pytest.mark.django_db


def test_people_beyond_the_limit_are_loaded_on_use(monkeypatch):
    monkeypatch.setattr("tasks.filters.forms.MAX_LISTED_PEOPLE", 2)
    monkeypatch.setattr("tasks.bulk.forms.MAX_LISTED_PEOPLE", 2)
    ada, bob, eve = (UserFactory(name=name) for name in ("Ada <A>", "Bob B", "Eve E"))
    project, other = ProjectFactory(key="OPS", owner=ada), ProjectFactory(key="OTHER", owner=eve)
    ProjectFactory(key="MORE", owner=ada)
    for number, user in enumerate([bob, *UserFactory.create_batch(2)]):
        MemberFactory(project=project, user=user, role="editor" if number else "viewer")
    browser = logged_in_client(ada)

    listed = browser.get("/tasks/", {"assignee": bob.pk}).content.decode()
    project_page = browser.get("/projects/OPS/").content.decode()
    options = browser.get("/tasks/people/").content.decode()
    of_project = browser.get("/tasks/people/", {"project": "MORE"}).content.decode()

    # The chosen name stands in the page, the others come from the address that it names.
    assert f'<option value="{bob.pk}" selected>Bob B</option>' in listed
    assert str(ada.pk) not in listed.split('id="filter_assignee"')[1].split("</select>")[0]
    assert 'data-options-url="/tasks/people/"' in listed
    assert 'data-options-url="/tasks/people/?project=OPS"' in project_page
    assert f'<option value="{ada.pk}">Ada &lt;A&gt;</option>' in options
    assert str(bob.pk) in options
    # Nothing of people and projects that the reader does not see.
    assert str(eve.pk) not in options
    assert str(bob.pk) not in of_project
    assert browser.get("/tasks/people/", {"project": other.key}).status_code == 404
