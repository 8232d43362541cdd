"""Forms and fragments of a session that has ended or was replaced."""

from __future__ import annotations

import pytest
from django.middleware.csrf import _get_new_csrf_string as new_token
from django.test import Client

from accounts.models import Session
from accounts.tests.factories import PASSWORD
from core.testing.page_client import htmx_headers, logged_in_client, visible_text
from tasks.models import Comment, Task

pytestmark = pytest.mark.django_db
ORIGIN = "http://testserver"
# Paths that take a POST only, and the page that has the form.
FORM_PATHS = {
    "/tasks/OPS-1/comments/": "/tasks/OPS-1/",
    "/tasks/OPS-1/subtasks/": "/tasks/OPS-1/",
    "/tasks/OPS-1/watch/": "/tasks/OPS-1/",
    "/tasks/OPS-1/shares/": "/tasks/OPS-1/",
    "/settings/avatar/": "/settings/",
    "/settings/privacy/export/": "/settings/privacy/",
    "/settings/sessions/revoke-others/": "/settings/sessions/",
    "/projects/OPS/members/": "/projects/OPS/",
    "/projects/OPS/invitations/": "/projects/OPS/",
    "/inbox/read/": "/inbox/",
}


def sign_in_again(browser, location):
    page = browser.get(location)
    assert "session has ended" in visible_text(page)
    next_url = page.context["next"]
    return browser.post("/login/", {"email": "alice@example.com", "password": PASSWORD, "next": next_url}, follow=True)


@pytest.mark.parametrize("path", FORM_PATHS)
def test_form_of_an_ended_session_leads_to_its_page(path, task, alice, subtests):
    for headers in ({}, {"Referer": f"{ORIGIN}{FORM_PATHS[path]}?x=1"}):
        with subtests.test(str(headers)):
            response = Client().post(path, {"body": "Long"}, headers=headers)
            browser = Client()
            browser.cookies = response.client.cookies
            landing = sign_in_again(browser, response["Location"])

            assert landing.status_code == 200
            assert landing.request["PATH_INFO"] == FORM_PATHS[path]
    assert Comment.objects.count() == 0


def test_fragment_of_an_ended_session_replaces_the_page(task, alice, subtests):
    page = "/tasks/OPS-1/?x=1"
    headers = {**htmx_headers("section#comments"), "HX-Current-URL": f"{ORIGIN}{page}"}
    browser = logged_in_client(alice)
    Session.objects.all().delete()
    for method, path in (("post", "/tasks/OPS-1/comments/"), ("get", "/tasks/"), ("post", "/inbox/read/")):
        with subtests.test(path):
            response = getattr(browser, method)(path, {"body": "Long"}, headers=headers)

            assert response["HX-Redirect"] == "/login/?next=%2Ftasks%2FOPS-1%2F%3Fx%3D1"
            assert response.content == b""


def test_foreign_referer_leads_nowhere_else(task):
    headers = {"Referer": "https://evil.example/tasks/", "HX-Current-URL": "https://evil.example/"}

    response = Client().post("/tasks/OPS-1/comments/", {"body": "x"}, headers=headers)

    assert response.headers["Location"] == "/login/?next=%2Ftasks%2FOPS-1%2Fcomments%2F"


def stale_browser(user):
    """Return a signed-in browser that checks tokens, and the token of a page from before."""
    browser = Client(enforce_csrf_checks=True, headers={"Origin": ORIGIN})
    browser.cookies = logged_in_client(user).cookies
    browser.get("/tasks/new/")
    return browser, new_token()


def test_form_of_a_former_session_may_be_sent_again(task, alice):
    browser, token = stale_browser(alice)
    data = {"title": "Kept", "description": "Long <words>", "csrfmiddlewaretoken": token}

    page = browser.post("/tasks/new/", data, headers={"Referer": f"{ORIGIN}/tasks/new/?project=1"})
    fields = page.context["form_data"]
    again = browser.post("/tasks/new/", dict(fields) | {"csrfmiddlewaretoken": str(page.context["csrf_token"])})

    assert page.status_code == 403
    assert "signed in again in another tab" in visible_text(page)
    assert 'value="Long &lt;words&gt;"' in page.content.decode()
    assert page.context["origin_page"] == "/tasks/new/?project=1"
    assert again.status_code == 302
    assert Task.objects.get(title="Kept").description == "Long <words>"


def test_form_of_a_former_session_is_not_sent_by_itself(task, alice, subtests):
    browser, token = stale_browser(alice)
    data = {"title": "Kept", "body": "Kept", "password": "a wider river turns", "csrfmiddlewaretoken": token}
    for path in ("/tasks/new/", "/tasks/OPS-1/comments/", "/settings/security/password/"):
        with subtests.test(path):
            page = browser.post(path, data)

            assert page.status_code == 403
            assert "a wider river turns" not in page.content.decode()
    fragment = browser.post("/tasks/OPS-1/comments/", data, headers=htmx_headers("section#comments"))
    foreign = browser.post("/tasks/new/", data, headers={"Origin": "https://evil.example"})

    assert fragment["HX-Refresh"] == "true"
    assert (foreign.status_code, foreign.context.get("form_data")) == (403, None)
    assert Task.objects.count() == 1
    assert Comment.objects.count() == 0


def test_sign_in_page_of_a_former_session_goes_on(alice):
    browser, token = stale_browser(alice)
    data = {"email": "x@example.com", "password": "x", "next": "/projects/", "csrfmiddlewaretoken": token}

    signed_in = browser.post("/login/", data)
    browser.cookies.pop("sessionid")
    signed_out = browser.post("/login/", data)

    assert signed_in["Location"] == "/projects/"
    assert signed_out["Location"] == "/login/?next=%2Fprojects%2F"


def test_private_pages_are_not_stored_by_the_browser(task, alice):
    browser = logged_in_client(alice)

    paths = ("/", "/tasks/", "/tasks/OPS-1/", "/tasks/OPS-9/", "/inbox/", "/settings/", "/people/")
    stored = [path for path in paths if "no-store" not in browser.get(path)["Cache-Control"]]

    assert stored == []


@pytest.mark.parametrize("path", ["/tasks/new", "/tasks/OPS-1/comments", "/projects/new", "/login"])
def test_form_without_last_slash_is_redirected_with_its_body(path, task, alice):
    browser = logged_in_client(alice)

    response = browser.post(f"{path}?x=1", {"title": "Kept", "body": "Kept"})

    assert (response.status_code, response["Location"]) == (308, f"{path}/?x=1")
    assert browser.get("/tasks")["Location"] == "/tasks/"
    assert browser.get("/tasks").status_code == 301


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_api_write_without_last_slash_is_redirected_as_it_is(method):
    response = getattr(Client(), method)("/api/v1/tasks", headers={"Authorization": "Bearer x"})

    assert (response.status_code, response["Location"]) == (308, "/api/v1/tasks/")
