"""Exports of personal data: content, access and lifetime."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Export, ExportChunk
from accounts.privacy import selectors as privacy_selectors
from accounts.privacy import services as privacy
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


def unpack(export: Export) -> dict[str, object]:
    data = b"".join(privacy_selectors.iter_archive(export))
    assert len(data) == export.size
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {
            name: json.loads(archive.read(name)) if name.endswith(".json") else archive.read(name)
            for name in archive.namelist()
        }


def build_export(user, outbox) -> dict[str, object]:
    with outbox.delivering():
        privacy.request_export(actor=user, now=timezone.now())
    return unpack(Export.objects.get(user=user))


def test_export_holds_data_of_every_app(alice, bob, team, outbox):
    users.set_avatar(actor=alice, data=photo())
    project = ProjectFactory(key="OPS", owner=alice)
    MemberFactory(project=project, user=bob, role=Role.EDITOR)
    with outbox.delivering():
        task = items.create(
            actor=alice, draft=TaskDraft(title="Fix the printer", assignees=[alice.pk]), now=NOW, project_ref="OPS"
        )
        comments.add(actor=bob, ref=task.key, body="Not mine to take", now=NOW)
        comments.add(actor=alice, ref=task.key, body="It is on fire", now=NOW)
    make_email(alice, notification={"task_id": task.pk})

    files = build_export(alice, outbox)

    assert files["profile.json"][0]["email"] == "alice@example.com"
    assert [row["team__name"] for row in files["teams.json"]] == ["Operations"]
    assert [row["title"] for row in files["tasks.json"]] == ["Fix the printer"]
    assert [row["body"] for row in files["comments.json"]] == ["It is on fire"]
    assert [row["key"] for row in files["projects.json"]] == ["OPS"]
    assert {"task.created", "task.commented"} <= {row["name"] for row in files["activity.json"]}
    assert {row["to"] for row in files["emails.json"]} == {"alice@example.com"}
    assert files["notifications.json"][0]["title"]
    assert sum(row["created"] for row in files["days.json"]) == 1
    assert files["picture.webp"][8:12] == b"WEBP"
    assert b"alice@example.com" in files["README.txt"]


def test_export_readme_explains_every_file(alice, outbox):
    files = build_export(alice, outbox)

    explained = files["README.txt"].decode()
    assert [name for name in files if name != "README.txt" and name not in explained] == []


def test_export_holds_no_secrets_and_nothing_of_others(alice, bob, client_of, outbox):
    TaskFactory(project=ProjectFactory(key="SEC", owner=bob), creator=bob, title="Secret plan of Bob")
    client_of(alice)

    data = json.dumps(build_export(alice, outbox), default=str)

    assert "Secret plan of Bob" not in data
    assert alice.password not in data
    assert "bob@example.com" not in data
    assert alice.sessions.get().refresh_jti not in data


def test_export_omits_tasks_of_projects_left(alice, bob, outbox):
    project = ProjectFactory(key="OPS", owner=bob)
    member = MemberFactory(project=project, user=alice)
    task = TaskFactory(project=project, creator=bob, title="Ours for a while")
    task.assignments.create(user=alice, task_created_at=task.created_at)
    member.delete()

    assert build_export(alice, outbox)["tasks.json"] == []


def test_export_reduces_inaccessible_own_tasks_to_their_key(alice, bob, outbox):
    project = ProjectFactory(key="OPS", owner=bob)
    member = MemberFactory(project=project, user=alice)
    task = TaskFactory(project=project, creator=alice, title="Buy paint", description="Two buckets")
    lent = TaskFactory(project=project, creator=alice, title="Lend a ladder")
    TaskShareFactory(task=lent, user=alice)
    member.delete()
    alice.refresh_from_db()
    type(task).objects.filter(pk=task.pk).update(title="Secret plan", description="Told to nobody outside")

    files = build_export(alice, outbox)

    seen, hidden = files["tasks.json"]
    assert (seen["number"], seen["title"]) == (lent.number, "Lend a ladder")
    assert set(hidden) == {"id", "project__key", "number", "created_at"}
    assert (hidden["id"], hidden["project__key"], hidden["number"]) == (str(task.pk), "OPS", task.number)
    assert "Secret plan" not in str(files)
    assert "Told to nobody outside" not in str(files)


def test_export_ready_is_mailed(alice, sink, outbox):
    with outbox.delivering():
        privacy.request_export(actor=alice, now=timezone.now())

    for email in OutgoingEmail.objects.exclude(state="sent"):
        email_services.send(email_id=email.pk, now=timezone.now())

    assert (sink.only()["To"], sink.only()["Subject"]) == (alice.email, "Your data export is ready to download")
    assert "/settings/privacy/" in sink.only().get_body(("plain",)).get_content()
    assert outbox.names() == ["user.export_requested", "user.export_ready"]


def test_export_is_stored_in_chunks(alice, outbox, monkeypatch):
    monkeypatch.setattr(privacy, "CHUNK_SIZE", 100)

    files = build_export(alice, outbox)

    assert ExportChunk.objects.count() > 5
    assert files["profile.json"][0]["handle"] == "alice"


def test_export_queries_do_not_grow_with_rows(alice, queries, outbox):
    project = ProjectFactory(key="OPS", owner=alice)
    TaskFactory.create_batch(3, project=project, creator=alice)
    privacy.request_export(actor=alice, now=NOW)
    export = Export.objects.get()
    with queries(at_most=80) as small:
        privacy.build_export(export_id=export.pk, now=NOW)
    export.delete()
    TaskFactory.create_batch(20, project=project, creator=alice)
    privacy.request_export(actor=alice, now=NOW)

    export = Export.objects.get()
    with queries(equal_to=small):
        privacy.build_export(export_id=export.pk, now=NOW)


def test_export_delivered_twice_is_built_once(alice, outbox):
    build_export(alice, outbox)
    before = table_digests()

    privacy.build_export(export_id=Export.objects.get().pk, now=NOW)

    assert table_digests() == before


def test_export_request_is_refused_while_one_is_pending(alice, outbox):
    privacy.request_export(actor=alice, now=NOW)
    before = table_digests()

    with pytest.raises(Conflict) as error:
        privacy.request_export(actor=alice, now=NOW)

    assert (error.value.code, table_digests() == before) == ("under_way", True)


def test_export_is_hidden_from_others(alice, admin, carol, outbox):
    build_export(alice, outbox)
    export = Export.objects.get()

    for other in (admin, carol):
        with pytest.raises(NotFound):
            privacy_selectors.get_export(other, export.pk, timezone.now())
        with pytest.raises(NotFound):
            privacy.delete_export(actor=other, export_id=export.pk, now=timezone.now())

    assert ExportChunk.objects.exists()


def test_export_expires_after_a_week(alice, outbox):
    build_export(alice, outbox)
    export = Export.objects.get()
    late = timezone.now() + timedelta(days=7, minutes=1)

    with pytest.raises(NotFound):
        privacy_selectors.get_export(alice, export.pk, late)
    privacy.purge_exports(now=late)

    assert (Export.objects.count(), ExportChunk.objects.count()) == (0, 0)


def test_export_that_was_never_built_is_given_up(alice):
    privacy.request_export(actor=alice, now=NOW - timedelta(hours=7))

    privacy.purge_exports(now=NOW)

    assert privacy.request_export(actor=alice, now=NOW).state == "requested"


def test_account_closed_while_its_export_is_built_gets_no_email(alice, monkeypatch):
    """The account was active when the worker began."""
    export = privacy.request_export(actor=alice, now=NOW)
    readme = privacy._readme

    def close_meanwhile(*args):
        type(alice).objects.filter(pk=alice.pk).update(is_active=False)
        return readme(*args)

    monkeypatch.setattr(privacy, "_readme", close_meanwhile)

    privacy.build_export(export_id=export.pk, now=NOW)

    assert Export.objects.get().state == "ready"
    assert not OutgoingEmail.objects.exists()


def test_queued_export_email_of_a_closed_account_is_withdrawn(alice):
    export = privacy.request_export(actor=alice, now=NOW)
    privacy.build_export(export_id=export.pk, now=NOW)
    (email,) = OutgoingEmail.objects.all()
    type(alice).objects.filter(pk=alice.pk).update(is_active=False)

    email_services.send(email_id=email.pk, now=timezone.now())

    email.refresh_from_db()
    assert (email.kind, email.state) == ("export_ready", "withdrawn")
