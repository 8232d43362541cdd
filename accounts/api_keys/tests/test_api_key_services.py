"""Services of API keys: stored columns, events, limits and versions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.api_keys import services
from accounts.api_keys.services import KeySpec, create_key, purge_keys, revoke_key, rotate_key
from accounts.models import ApiKey, User
from accounts.tests.factories import ServiceAccountFactory
from core.errors import Conflict, Invalid, NotAllowed, VersionConflict
from core.testing.database_state import table_digests
from events.models import Event
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.django_db
THEN = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
YEAR, DAY = timedelta(days=366), timedelta(days=1)


def key_spec(**kwargs) -> KeySpec:
    return KeySpec(**{"name": " Importer ", "scopes": ["tasks:read"], **kwargs})


def make_key(owner: User, *, actor: User | None = None, now: datetime = THEN, **kwargs) -> ApiKey:
    return create_key(actor=actor or owner, owner=owner, spec=key_spec(**kwargs), now=now).key


def published(name: str) -> list[tuple[object, str, datetime]]:
    """Return actor, key and time of each event, in their order."""
    events = Event.objects.filter(name=name).order_by("id")
    return [(event.actor_id, event.payload["key"]["id"], event.occurred_at) for event in events]


def test_created_key_stores_owner_creator_name_and_time(alice):
    key = create_key(actor=alice, spec=key_spec(), now=THEN).key

    stored = ApiKey.objects.get()
    assert (stored.owner, stored.created_by, stored.name, stored.created_at) == (alice, alice, "Importer", THEN)
    assert published("api_key.created") == [(alice.pk, str(key.pk), THEN)]
    assert OutgoingEmail.objects.get().to == alice.email


def test_service_account_key_names_creator_and_sends_no_mail(admin):
    make_key(ServiceAccountFactory(handle="robot"), actor=admin)

    stored = ApiKey.objects.get()
    assert (stored.owner.handle, stored.created_by) == ("robot", admin)
    assert OutgoingEmail.objects.count() == 0


@pytest.mark.parametrize("who", ["bob", "carol", "admin"])
def test_key_for_another_person_is_refused(who, alice, request):
    actor = request.getfixturevalue(who)
    before = table_digests()

    with pytest.raises(NotAllowed):
        make_key(alice, actor=actor)

    assert table_digests() == before


@pytest.mark.parametrize(("end", "is_good"), [(YEAR, True), (YEAR + timedelta(seconds=1), False), (DAY * 0, False)])
def test_key_expiry_is_limited_to_a_year(end, is_good, alice):
    before = table_digests()

    if is_good:
        assert make_key(alice, expires_at=THEN + end).expires_at == THEN + end
        return
    with pytest.raises(Invalid):
        make_key(alice, expires_at=THEN + end)
    assert table_digests() == before


def test_key_maximum_counts_open_keys_per_owner(alice, bob):
    for owner in (alice, bob):
        ApiKey.objects.bulk_create(
            ApiKey(
                owner=owner,
                prefix=f"{owner.handle}{number}",
                digest="0" * 64,
                scopes=["tasks:read"],
                created_at=THEN,
                expires_at=THEN + DAY,
            )
            for number in range(49)
        )
    make_key(alice)
    before = table_digests()

    with pytest.raises(Conflict) as error:
        make_key(alice)

    assert (error.value.code, table_digests()) == ("too_many_keys", before)
    assert make_key(alice, now=THEN + DAY).owner == alice  # those of before have ended by then


def test_successor_copies_rights_and_lifetime(alice, project):
    old = make_key(alice, projects=["OPS"], expires_at=THEN + 10 * DAY)

    new = rotate_key(actor=alice, key_id=old.pk, now=THEN + 4 * DAY).key

    stored, before = ApiKey.objects.get(pk=new.pk), ApiKey.objects.get(pk=old.pk)
    assert (stored.name, stored.projects, stored.created_by) == ("Importer", [project.pk], alice)
    assert (stored.created_at, stored.expires_at) == (THEN + 4 * DAY, THEN + 14 * DAY)
    assert (before.expires_at, before.version) == (THEN + 5 * DAY, old.version + 1)
    assert published("api_key.rotated") == [(alice.pk, str(new.pk), THEN + 4 * DAY)]
    assert OutgoingEmail.objects.filter(to=alice.email).count() == 2


def test_rotation_never_extends_the_old_key(alice):
    old = make_key(alice, expires_at=THEN + DAY)

    rotate_key(actor=alice, key_id=old.pk, now=THEN + timedelta(hours=20))

    assert ApiKey.objects.get(pk=old.pk).expires_at == THEN + DAY


def test_revocation_publishes_actor_and_time(alice, admin):
    key, other = make_key(alice), make_key(alice)

    revoke_key(actor=admin, key_id=key.pk, now=THEN + DAY)

    assert published("api_key.revoked") == [(admin.pk, str(key.pk), THEN + DAY)]
    revoked = dict(ApiKey.objects.values_list("pk", "revoked_at"))
    assert revoked == {key.pk: THEN + DAY, other.pk: None}


def record_use(key: ApiKey, now: datetime, address: str = "192.0.2.1") -> datetime | None:
    services.record_key_use(key_id=key.pk, address=address, now=now)
    return ApiKey.objects.get(pk=key.pk).last_used_at


def test_key_use_is_recorded_every_five_minutes(alice):
    key, other = make_key(alice), make_key(alice)
    five = timedelta(minutes=5)

    seen = [record_use(key, THEN), record_use(key, THEN + five), record_use(key, THEN + five + timedelta(seconds=1))]

    assert seen == [THEN, THEN, THEN + five + timedelta(seconds=1)]
    assert ApiKey.objects.get(pk=other.pk).last_used_at is None


def test_key_use_is_published_daily_and_per_address(alice):
    key = make_key(alice)

    for hours in (0, 1, 2, 24):
        record_use(key, THEN + timedelta(hours=hours))
    record_use(key, THEN + timedelta(hours=25), "192.0.2.2")

    moments = [THEN, THEN + timedelta(hours=24), THEN + timedelta(hours=25)]
    assert published("api_key.used") == [(alice.pk, str(key.pk), moment) for moment in moments]


def test_purge_keeps_keys_for_a_year_after_expiry(alice):
    key = make_key(alice, expires_at=THEN + DAY)

    assert purge_keys(now=key.expires_at + YEAR) == 0
    assert purge_keys(now=key.expires_at + YEAR + timedelta(seconds=1)) == 1


@pytest.mark.parametrize("change", [revoke_key, rotate_key])
def test_key_change_with_another_version_is_refused(change, alice):
    key = make_key(alice)
    before = table_digests()

    with pytest.raises(VersionConflict):
        change(actor=alice, key_id=key.pk, now=THEN, versions=frozenset({key.version + 1}))

    assert table_digests() == before
    change(actor=alice, key_id=key.pk, now=THEN, versions=frozenset({key.version}))
    assert table_digests() != before
