"""What is written down of a key: whose it is, by whom, from when until when, and what is told of it."""

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


def made(owner: User, *, actor: User | None = None, now: datetime = THEN, **kwargs) -> ApiKey:
    return create_key(actor=actor or owner, owner=owner, spec=key_spec(**kwargs), now=now).key


def told(name: str) -> list[tuple[object, str, datetime]]:
    """By whom, of which key and when, in the order of the facts."""
    facts = Event.objects.filter(name=name).order_by("id")
    return [(fact.actor_id, fact.payload["key"]["id"], fact.occurred_at) for fact in facts]


def test_a_key_has_its_owner_its_maker_its_name_and_its_beginning(alice):
    key = create_key(actor=alice, spec=key_spec(), now=THEN).key

    kept = ApiKey.objects.get()
    assert (kept.owner, kept.created_by, kept.name, kept.created_at) == (alice, alice, "Importer", THEN)
    assert told("api_key.created") == [(alice.pk, str(key.pk), THEN)]
    assert OutgoingEmail.objects.get().to == alice.email


def test_an_administrator_is_named_as_the_maker_of_a_programs_key_and_nobody_is_mailed(admin):
    made(ServiceAccountFactory(handle="robot"), actor=admin)

    kept = ApiKey.objects.get()
    assert (kept.owner.handle, kept.created_by) == ("robot", admin)
    assert OutgoingEmail.objects.count() == 0


@pytest.mark.parametrize("who", ["bob", "carol", "admin"])
def test_nobody_makes_a_key_in_the_name_of_another_person(who, alice, request):
    actor = request.getfixturevalue(who)
    before = table_digests()

    with pytest.raises(NotAllowed):
        made(alice, actor=actor)

    assert table_digests() == before


@pytest.mark.parametrize(("end", "is_good"), [(YEAR, True), (YEAR + timedelta(seconds=1), False), (DAY * 0, False)])
def test_a_key_ends_within_a_year_and_not_at_once(end, is_good, alice):
    before = table_digests()

    if is_good:
        assert made(alice, expires_at=THEN + end).expires_at == THEN + end
        return
    with pytest.raises(Invalid):
        made(alice, expires_at=THEN + end)
    assert table_digests() == before


def test_one_has_fifty_open_keys_whatever_others_have(alice, bob):
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
    made(alice)
    before = table_digests()

    with pytest.raises(Conflict) as error:
        made(alice)

    assert (error.value.code, table_digests()) == ("too_many_keys", before)
    assert made(alice, now=THEN + DAY).owner == alice  # those of before have ended by then


def test_a_successor_is_what_the_old_key_was_for_as_long_again(alice, project):
    old = made(alice, projects=["OPS"], expires_at=THEN + 10 * DAY)

    new = rotate_key(actor=alice, key_id=old.pk, now=THEN + 4 * DAY).key

    kept, before = ApiKey.objects.get(pk=new.pk), ApiKey.objects.get(pk=old.pk)
    assert (kept.name, kept.projects, kept.created_by) == ("Importer", [project.pk], alice)
    assert (kept.created_at, kept.expires_at) == (THEN + 4 * DAY, THEN + 14 * DAY)
    assert (before.expires_at, before.version) == (THEN + 5 * DAY, old.version + 1)
    assert told("api_key.rotated") == [(alice.pk, str(new.pk), THEN + 4 * DAY)]
    assert OutgoingEmail.objects.filter(to=alice.email).count() == 2


def test_an_old_key_that_ends_before_the_overlap_is_over_ends_no_later_for_it(alice):
    old = made(alice, expires_at=THEN + DAY)

    rotate_key(actor=alice, key_id=old.pk, now=THEN + timedelta(hours=20))

    assert ApiKey.objects.get(pk=old.pk).expires_at == THEN + DAY


def test_that_a_key_was_revoked_is_told_at_that_moment(alice, admin):
    key, other = made(alice), made(alice)

    revoke_key(actor=admin, key_id=key.pk, now=THEN + DAY)

    assert told("api_key.revoked") == [(admin.pk, str(key.pk), THEN + DAY)]
    found = dict(ApiKey.objects.values_list("pk", "revoked_at"))
    assert found == {key.pk: THEN + DAY, other.pk: None}


def note(key: ApiKey, now: datetime, address: str = "192.0.2.1") -> datetime | None:
    services.record_key_use(key_id=key.pk, address=address, now=now)
    return ApiKey.objects.get(pk=key.pk).last_used_at


def test_the_use_of_a_key_is_noted_every_five_minutes_for_that_key_alone(alice):
    key, other = made(alice), made(alice)
    five = timedelta(minutes=5)

    seen = [note(key, THEN), note(key, THEN + five), note(key, THEN + five + timedelta(seconds=1))]

    assert seen == [THEN, THEN, THEN + five + timedelta(seconds=1)]
    assert ApiKey.objects.get(pk=other.pk).last_used_at is None


def test_the_use_of_a_key_is_told_once_a_day_and_of_each_new_address(alice):
    key = made(alice)

    for hours in (0, 1, 2, 24):
        note(key, THEN + timedelta(hours=hours))
    note(key, THEN + timedelta(hours=25), "192.0.2.2")

    moments = [THEN, THEN + timedelta(hours=24), THEN + timedelta(hours=25)]
    assert told("api_key.used") == [(alice.pk, str(key.pk), moment) for moment in moments]


def test_a_key_is_kept_for_a_year_after_its_end(alice):
    key = made(alice, expires_at=THEN + DAY)

    assert purge_keys(now=key.expires_at + YEAR) == 0
    assert purge_keys(now=key.expires_at + YEAR + timedelta(seconds=1)) == 1


@pytest.mark.parametrize("change", [revoke_key, rotate_key])
def test_a_key_that_was_changed_since_it_was_read_is_left_as_it_is(change, alice):
    key = made(alice)
    before = table_digests()

    with pytest.raises(VersionConflict):
        change(actor=alice, key_id=key.pk, now=THEN, versions=frozenset({key.version + 1}))

    assert table_digests() == before
    change(actor=alice, key_id=key.pk, now=THEN, versions=frozenset({key.version}))
    assert table_digests() != before
