"""API keys in use: networks, recorded uses and the acting user."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.api_keys import lookup, services
from accounts.api_keys.service_accounts import create_service_account
from accounts.models import ApiKey
from accounts.tests.api_keys import api_key_client, create_api_key
from core.testing.database_state import table_digests
from tasks.models import Task

pytestmark = pytest.mark.django_db


NETWORK_CASES = [
    ([], "203.0.113.9", 200),
    (["203.0.113.0/24"], "203.0.113.9", 200),
    (["203.0.113.10"], "203.0.113.9", 403),
    (["2001:db8::/32"], "203.0.113.9", 403),
    (["2001:db8:0:7::1"], "2001:db8:0:7::99", 200),
    (["2001:db8:0:7::1"], "2001:db8:0:8::1", 403),
    (["192.0.2.1"], "::ffff:192.0.2.1", 200),
    (["::ffff:192.0.2.0/120"], "192.0.2.77", 200),
    (["::ffff:192.0.2.0/120"], "192.0.3.77", 403),
    (["::ffff:192.0.2.1"], "::ffff:192.0.2.1", 200),
    (["::/0"], "2001:db8::1", 200),
]


def test_key_is_accepted_from_its_networks_only(alice, task, db_subtest):
    for allowed_networks, caller, status in NETWORK_CASES:
        with db_subtest(f"{caller} with a key for {allowed_networks}"):
            created = create_api_key(alice, allowed_networks=allowed_networks)
            before = table_digests()

            response = api_key_client(created.text, REMOTE_ADDR=caller).delete(f"/api/v1/tasks/{task.key}/")

            assert response.status_code == (204 if status == 200 else 403)
            if status == 403:
                assert response.json()["code"] == "key_not_for_this_address"
                assert table_digests() == before


def test_key_use_is_recorded_rarely_and_published_daily(alice, task, outbox):
    created = create_api_key(alice)
    now = timezone.now()
    lookup._last_recorded.clear()

    api_key_client(created.text).get("/api/v1/tasks/")
    first = ApiKey.objects.get()
    for minutes, address in ((1, "127.0.0.1"), (6, "127.0.0.1"), (12, "192.0.2.1")):
        services.record_key_use(key_id=created.key.pk, address=address, now=now + timedelta(minutes=minutes))

    assert (first.last_used_ip, first.last_used_at >= now) == ("127.0.0.1", True)
    assert ApiKey.objects.get().last_used_at == now + timedelta(minutes=12)
    payload = [event["address"] for event in outbox.payloads("api_key.used")]
    assert payload in (["127.0.0.1", "192.0.2.1"], ["127.0.0.1", "127.0.0.1", "192.0.2.1"])  # over midnight


def test_refused_key_is_not_recorded_as_used(alice, task):
    created = create_api_key(alice, "projects:read")
    lookup._last_recorded.clear()

    api_key_client(created.text).get("/api/v1/tasks/")

    assert ApiKey.objects.get().last_used_at is None


def test_task_created_by_key_belongs_to_its_owner(alice, project):
    api_key_client(create_api_key(alice).text).post("/api/v1/tasks/", {"project": "OPS", "title": "From a program"})

    assert Task.objects.get().creator == alice


def test_service_account_signs_in_by_keys_only(clients, admin, client, task):
    account = create_service_account(actor=admin, name="Nightly import")
    body = {"email": account.email, "password": "!"}

    by_password = clients["anonymous"].post("/api/v1/auth/login/", body)
    in_the_browser = client.post("/login/", body)

    assert by_password.status_code == 401
    assert "_auth_user_id" not in client.session
    assert in_the_browser.status_code == 422
    assert (
        api_key_client(create_api_key(account, actor=admin).text).get("/api/v1/me/").json()["handle"]
        == "nightly-import"
    )
