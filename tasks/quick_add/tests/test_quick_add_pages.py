from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from tasks.models import Task

pytestmark = pytest.mark.django_db

PAGE, PREVIEW = "/tasks/quick-add/", "/tasks/quick-add/preview/"


@pytest.fixture
def browser(bob, project):
    return logged_in_client(bob)


def test_quick_add_form_creates_a_task_without_a_script(browser, project):
    response = browser.post(PAGE, {"text": "Pay rent tomorrow !high #ops"})
    task = Task.objects.get()

    assert (response.status_code, response["Location"]) == (302, f"/tasks/{task.key}/")
    assert (task.title, task.priority, task.project) == ("Pay rent", 3, project)


def test_preview_shows_the_fields_and_writes_nothing(browser, project):
    before = table_digests()
    text = {"text": "Pay <b>rent</b> tomorrow !high #ops every month @mallory"}
    page = browser.post(PREVIEW, text).content.decode()
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#quick-preview"}
    fragment = browser.post(PREVIEW, text, headers=headers).content.decode()

    for content in (page, fragment):
        assert "Pay &lt;b&gt;rent&lt;/b&gt; @mallory" in content
        assert "Every month on the" in content
        assert "@mallory is not a member of Operations." in content
    assert "<h1>" in page
    assert "<h1>" not in fragment
    assert table_digests() == before


def test_refused_quick_add_keeps_the_text(browser):
    response = browser.post(PAGE, {"text": "tomorrow !high"})
    content = response.content.decode()

    assert response.status_code == 422
    assert "Write a title too." in content
    assert 'value="tomorrow !high"' in content
    assert not Task.objects.exists()


def test_command_creates_the_task_of_its_user(bob, project):
    output, errors = StringIO(), StringIO()
    call_command("quick_add", "Pay rent #ops @mallory", user=bob.email, stdout=output, stderr=errors)
    task = Task.objects.get()

    assert (task.creator, task.project, task.title) == (bob, project, "Pay rent @mallory")
    assert output.getvalue() == "OPS-1 Pay rent @mallory\n"
    assert "@mallory is not a member" in errors.getvalue()


def test_refused_command_writes_nothing(bob, project, subtests):
    before = table_digests()
    refused = {"tomorrow": bob.email, "two\nlines": bob.email, "x" * 1001: bob.email, "Plan": "missing@example.com"}
    for text, email in refused.items():
        with subtests.test(text[:10]):
            with pytest.raises(CommandError):
                call_command("quick_add", text, user=email)
            assert table_digests() == before
    call_command("quick_add", "Plan tomorrow", user=bob.email, dry_run=True, stdout=StringIO())
    assert table_digests() == before
