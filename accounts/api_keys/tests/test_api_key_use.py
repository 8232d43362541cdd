"""Keys in use: from where, noted when, and in whose name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.api_keys import lookup, services
from accounts.api_keys.service_accounts.services import create_service_account
from accounts.models import ApiKey
from accounts.tests.api_keys import api_key_client, create_api_key
from core.testing.database_state import table_digests
from tasks.models import Task

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("allowed_networks", "caller", "status"),
    [
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
    ],
)
def test_a_key_is_good_from_its_networks_only(allowed_networks, caller, status, alice, task):
    made = create_api_key(alice, allowed_networks=allowed_networks)
    before = table_digests()

    answer = api_key_client(made.text, REMOTE_ADDR=caller).delete(f"/api/v1/tasks/{task.key}/")

    assert answer.status_code == (204 if status == 200 else 403)
    if status == 403:
        assert answer.json()["code"] == "key_not_for_this_address"
        assert table_digests() == before


def test_its_use_is_noted_rarely_and_told_once_a_day_for_each_address(alice, task, outbox):
    made = create_api_key(alice)
    now = timezone.now()
    lookup._last_recorded.clear()

    api_key_client(made.text).get("/api/v1/tasks/")
    first = ApiKey.objects.get()
    for minutes, address in ((1, "127.0.0.1"), (6, "127.0.0.1"), (12, "192.0.2.1")):
        services.record_key_use(key_id=made.key.pk, address=address, now=now + timedelta(minutes=minutes))

    assert (first.last_used_ip, first.last_used_at >= now) == ("127.0.0.1", True)
    assert ApiKey.objects.get().last_used_at == now + timedelta(minutes=12)
    told = [fact["address"] for fact in outbox.payloads("api_key.used")]
    assert told in (["127.0.0.1", "192.0.2.1"], ["127.0.0.1", "127.0.0.1", "192.0.2.1"])  # over midnight


def test_a_key_that_is_refused_is_not_noted_as_used(alice, task):
    made = create_api_key(alice, "projects:read")
    lookup._last_recorded.clear()

    api_key_client(made.text).get("/api/v1/tasks/")

    assert ApiKey.objects.get().last_used_at is None


def test_what_a_key_writes_its_owner_has_written(alice, project):
    api_key_client(create_api_key(alice).text).post("/api/v1/tasks/", {"project": "OPS", "title": "From a program"})

    assert Task.objects.get().creator == alice


def test_a_service_account_signs_in_by_its_keys_alone(clients, admin, client, task):
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
