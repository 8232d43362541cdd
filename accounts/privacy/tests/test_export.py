"""An archive of everything known about a person: what is in it, who gets it, how long."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Export, ExportChunk
from accounts.privacy.export import selectors as export_selectors
from accounts.privacy.export import services as export_services
from accounts.tests.images import photo
from accounts.users import services as users
from core.errors import Conflict, NotFound
from core.testing.database_state import table_digests
from notifications.email import services as email_services
from notifications.models import OutgoingEmail
from notifications.tests.factories import make_email
from tasks.comments import services as comments
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.models import Role
from tasks.tests.factories import MemberFactory, ProjectFactory, TaskFactory, TaskShareFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def unpacked(export: Export) -> dict[str, object]:
    data = b"".join(export_selectors.iter_archive(export))
    assert len(data) == export.size
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {
            name: json.loads(archive.read(name)) if name.endswith(".json") else archive.read(name)
            for name in archive.namelist()
        }


def exported(user, outbox) -> dict[str, object]:
    with outbox.delivering():
        export_services.request_export(actor=user, now=timezone.now())
    return unpacked(Export.objects.get(user=user))


def test_holds_what_every_app_knows(alice, bob, team, outbox):
    users.set_avatar(actor=alice, data=photo())
    project = ProjectFactory(key="OPS", owner=alice)
    MemberFactory(project=project, user=bob, role=Role.EDITOR)
    with outbox.delivering():
        task = items.create(
            actor=alice, draft=TaskDraft(title="Fix the printer", assignees=[alice.pk]), now=NOW, project_ref="OPS"
        )
        comments.add(actor=bob, task_ref=task.key, body="Not mine to take", now=NOW)
        comments.add(actor=alice, task_ref=task.key, body="It is on fire", now=NOW)
    make_email(alice, notification={"task_id": task.pk})

    found = exported(alice, outbox)

    assert found["profile.json"][0]["email"] == "alice@example.com"
    assert [one["team__name"] for one in found["teams.json"]] == ["Operations"]
    assert [one["title"] for one in found["tasks.json"]] == ["Fix the printer"]
    assert [one["body"] for one in found["comments.json"]] == ["It is on fire"]
    assert [one["key"] for one in found["projects.json"]] == ["OPS"]
    assert {"task.created", "task.commented"} <= {one["name"] for one in found["activity.json"]}
    assert {one["to"] for one in found["emails.json"]} == {"alice@example.com"}
    assert found["notifications.json"][0]["title"]
    assert sum(one["created"] for one in found["days.json"]) == 1
    assert found["picture.webp"][8:12] == b"WEBP"
    assert b"alice@example.com" in found["README.txt"]


def test_every_file_is_explained(alice, outbox):
    found = exported(alice, outbox)

    explained = found["README.txt"].decode()
    assert [name for name in found if name != "README.txt" and name not in explained] == []


def test_holds_nothing_of_others_and_no_secret(alice, bob, client_of, outbox):
    TaskFactory(project=ProjectFactory(key="SEC", owner=bob), creator=bob, title="Secret plan of Bob")
    client_of(alice)

    data = json.dumps(exported(alice, outbox), default=str)

    assert "Secret plan of Bob" not in data
    assert alice.password not in data
    assert "bob@example.com" not in data
    assert alice.sessions.get().refresh_jti not in data


def test_a_task_of_a_project_one_has_left_is_not_taken_along(alice, bob, outbox):
    project = ProjectFactory(key="OPS", owner=bob)
    member = MemberFactory(project=project, user=alice)
    task = TaskFactory(project=project, creator=bob, title="Ours for a while")
    task.assignments.create(user=alice, task_created_at=task.created_at)
    member.delete()

    assert exported(alice, outbox)["tasks.json"] == []


def test_of_a_task_one_wrote_where_one_may_no_longer_look_only_its_key_is_left(alice, bob, outbox):
    project = ProjectFactory(key="OPS", owner=bob)
    member = MemberFactory(project=project, user=alice)
    task = TaskFactory(project=project, creator=alice, title="Buy paint", description="Two buckets")
    lent = TaskFactory(project=project, creator=alice, title="Lend a ladder")
    TaskShareFactory(task=lent, user=alice)
    member.delete()
    alice.refresh_from_db()
    type(task).objects.filter(pk=task.pk).update(title="Secret plan", description="Told to nobody outside")

    found = exported(alice, outbox)

    seen, hidden = found["tasks.json"]
    assert (seen["number"], seen["title"]) == (lent.number, "Lend a ladder")
    assert set(hidden) == {"id", "project__key", "number", "created_at"}
    assert (hidden["id"], hidden["project__key"], hidden["number"]) == (str(task.pk), "OPS", task.number)
    assert "Secret plan" not in str(found)
    assert "Told to nobody outside" not in str(found)


def test_a_mail_says_that_it_is_ready(alice, sink, outbox):
    with outbox.delivering():
        export_services.request_export(actor=alice, now=timezone.now())

    for email in OutgoingEmail.objects.exclude(state="sent"):
        email_services.deliver(email_id=email.pk, now=timezone.now())

    assert (sink.only()["To"], sink.only()["Subject"]) == (alice.email, "Your data export is ready to download")
    assert "/settings/privacy/" in sink.only().get_body(("plain",)).get_content()
    assert outbox.names() == ["user.export_requested", "user.export_ready"]


def test_is_kept_in_pieces_and_comes_out_as_it_went_in(alice, outbox, monkeypatch):
    monkeypatch.setattr(export_services, "CHUNK_SIZE", 100)

    found = exported(alice, outbox)

    assert ExportChunk.objects.count() > 5
    assert found["profile.json"][0]["handle"] == "alice"


def test_many_rows_go_through_in_batches(alice, queries, outbox):
    project = ProjectFactory(key="OPS", owner=alice)
    TaskFactory.create_batch(3, project=project, creator=alice)
    export_services.request_export(actor=alice, now=NOW)
    export = Export.objects.get()
    with queries(at_most=80) as small:
        export_services.build_export(export_id=export.pk, now=NOW)
    export.delete()
    TaskFactory.create_batch(20, project=project, creator=alice)
    export_services.request_export(actor=alice, now=NOW)

    export = Export.objects.get()
    with queries(equal_to=small):
        export_services.build_export(export_id=export.pk, now=NOW)


def test_delivered_twice_it_is_built_once(alice, outbox):
    exported(alice, outbox)
    before = table_digests()

    export_services.build_export(export_id=Export.objects.get().pk, now=NOW)

    assert table_digests() == before


def test_there_is_one_under_way_at_a_time(alice, outbox):
    export_services.request_export(actor=alice, now=NOW)
    before = table_digests()

    with pytest.raises(Conflict) as error:
        export_services.request_export(actor=alice, now=NOW)

    assert (error.value.code, table_digests() == before) == ("under_way", True)


def test_is_the_owners_alone(alice, admin, carol, outbox):
    exported(alice, outbox)
    export = Export.objects.get()

    for other in (admin, carol):
        with pytest.raises(NotFound):
            export_selectors.get_export(other, export.pk, timezone.now())
        with pytest.raises(NotFound):
            export_services.delete_export(actor=other, export_id=export.pk, now=timezone.now())

    assert ExportChunk.objects.exists()


def test_is_gone_after_a_week(alice, outbox):
    exported(alice, outbox)
    export = Export.objects.get()
    late = timezone.now() + timedelta(days=7, minutes=1)

    with pytest.raises(NotFound):
        export_selectors.get_export(alice, export.pk, late)
    export_services.purge_exports(now=late)

    assert (Export.objects.count(), ExportChunk.objects.count()) == (0, 0)


def test_one_that_came_to_nothing_does_not_stand_in_the_way(alice):
    export_services.request_export(actor=alice, now=NOW - timedelta(hours=7))

    export_services.purge_exports(now=NOW)

    assert export_services.request_export(actor=alice, now=NOW).state == "requested"
