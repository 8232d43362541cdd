"""Profile changes are visible from the next request on, through any node."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.auth.passwords.services import change_password
from accounts.auth.sessions.cache import load_status, session_key
from accounts.models import Session, User
from accounts.tests.fixtures import token_of
from accounts.users import services as users
from config.wsgi import application as django
from core.security.tokens import read_access_token
from core.testing.asgi import run, send_request
from gateway.application import Gateway
from gateway.session_backend import SessionBackend
from tasks.tests.factories import TaskShareFactory

pytestmark = pytest.mark.django_db(transaction=True)
ME_PATH, TASK_PATH = "/api/v1/me/", "/api/v1/tasks/OPS-1/"


@pytest.fixture
def nodes():
    """Two gateways in front of one Django, each with a cache of its own."""
    nodes = [Gateway(django, SessionBackend(key=session_key, look_up=load_status)) for _ in range(2)]
    yield nodes
    for node in nodes:
        run(node.checker.close())
        node.django.close()


def request_from_nodes(nodes, token, path):
    return [
        send_request(node, "GET", path, headers={"authorization": f"Bearer {token}"})
        for node in nodes
        for _ in range(2)
    ]


def test_profile_version_is_current_after_password_change(alice, nodes):
    token = token_of(alice)
    before = {response.json()["version"] for response in request_from_nodes(nodes, token, ME_PATH)}

    session_id = read_access_token(token.encode()).session_id
    change_password(user=alice, password="a wider river turns", now=timezone.now(), keep=session_id)
    after = request_from_nodes(nodes, token, ME_PATH)

    assert {response.status for response in after} == {200}
    assert (before, {response.json()["version"] for response in after}) == ({1}, {2})
    assert Session.objects.get().revoked_at is None


def test_new_guest_sees_shared_task_at_once(alice, mallory, task, nodes):
    token = token_of(mallory)
    TaskShareFactory(task=task, user=mallory, role="viewer", shared_by=alice)
    User.objects.filter(pk=mallory.pk).update(is_guest=False)
    before = {response.status for response in request_from_nodes(nodes, token, TASK_PATH)}

    users.mark_as_guest(actor=alice, user=mallory)

    assert (before, {response.status for response in request_from_nodes(nodes, token, TASK_PATH)}) == ({404}, {200})
