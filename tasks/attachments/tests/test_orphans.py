"""Collection of files without an attachment, and thumbnails."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.tests.images import PLACE, photo
from tasks.attachments import orphans, processing
from tasks.attachments import services as attachments
from tasks.attachments.storage import generate_name, get_storage
from tasks.items import services as items
from tasks.models import Attachment, StoredFile, TrashEntry
from tasks.privacy import erase_user
from tasks.projects import services as projects
from tasks.tests.attachments import PIXEL, make_attachment, store_file
from tasks.tests.factories import TaskFactory
from tasks.trash import purging
from tasks.trash import services as trash

pytestmark = pytest.mark.django_db
NOW = timezone.now()
TERM, STRAY_TERM = orphans.RETENTION, orphans.STRAY_RETENTION


def test_file_is_collected_after_its_last_attachment(task, alice):
    other = make_attachment(task, alice)
    shared = make_attachment(task, alice, b"shared")
    deleted = make_attachment(task, alice, b"deleted", thumbnail=b"RIFF")
    storage, file = get_storage(), deleted.file
    Attachment.objects.create(task=task, uploader=alice, file=shared.file, name="copy.txt")
    shared.delete()
    deleted.delete()

    assert orphans.collect(now=NOW) == 0
    assert orphans.collect(now=NOW + TERM - timedelta(seconds=1)) == 0
    assert storage.exists(file.name)
    assert orphans.collect(now=NOW + TERM) == 1

    assert not storage.exists(file.name)
    assert not storage.exists(file.thumbnail_name)
    assert not StoredFile.objects.filter(pk=file.pk).exists()
    assert all(storage.exists(name) for name in (other.file.name, shared.file.name))


def test_file_of_the_trash_is_kept_until_the_entry_is_purged(task, alice):
    attachment = make_attachment(task, alice)
    file, storage = attachment.file, get_storage()
    attachments.delete(actor=alice, ref=str(task.pk), attachment_id=attachment.pk, now=NOW)
    items.delete(actor=alice, ref=str(task.pk), now=NOW)

    for day in range(0, 29, 7):
        assert orphans.collect(now=NOW + timedelta(days=day)) == 0
    purging.purge_expired(now=NOW + timedelta(days=31))
    assert orphans.collect(now=NOW + timedelta(days=31)) == 0
    assert storage.exists(file.name)
    assert orphans.collect(now=NOW + timedelta(days=31) + TERM) == 1

    assert not storage.exists(file.name)
    assert not TrashEntry.objects.exists()


def test_restored_attachment_keeps_its_file(task, alice):
    attachment = make_attachment(task, alice)
    attachments.delete(actor=alice, ref=str(task.pk), attachment_id=attachment.pk, now=NOW)
    StoredFile.objects.update(unreferenced_since=NOW - TERM)  # as if an older release had not known the trash
    trash.restore(actor=alice, entry_id=TrashEntry.objects.get().pk, now=NOW)

    assert orphans.collect(now=NOW + TERM) == 0

    assert StoredFile.objects.get().unreferenced_since is None
    assert get_storage().exists(attachment.file.name)


def test_file_attached_while_it_is_collected_is_kept(task, alice):
    file = store_file()
    StoredFile.objects.update(unreferenced_since=NOW - TERM)
    Attachment.objects.create(task=task, uploader=alice, file=file, name="late.txt")

    assert orphans._delete(file.pk) == 0
    assert get_storage().exists(file.name)


def test_files_of_an_erased_user_wait_for_nothing(alice, bob, task):
    inbox = projects.get_or_create_inbox(actor=bob)
    own = TaskFactory(project=inbox, creator=bob)
    files = [make_attachment(own, bob).file, make_attachment(own, bob).file, make_attachment(task, bob).file]
    attachments.delete(actor=bob, ref=str(own.pk), attachment_id=files[0].attachments.get().pk, now=NOW)

    erase_user(bob.pk, NOW)
    orphans.collect(now=NOW)

    assert [get_storage().exists(file.name) for file in files] == [False, False, True]


def test_old_file_without_a_row_is_collected(task, alice):
    storage = get_storage()
    known = make_attachment(task, alice, thumbnail=b"RIFF").file
    old, new = (storage.save(generate_name(NOW), ContentFile(b"x")) for _ in range(2))
    past = (NOW - STRAY_TERM - timedelta(days=1)).timestamp()
    for name in (old, known.name, known.thumbnail_name):
        os.utime(Path(storage.path(name)), (past, past))

    orphans.collect(now=NOW)

    assert [storage.exists(name) for name in (old, new, known.name, known.thumbnail_name)] == [False, True, True, True]
    storage.delete(new)


def test_temporary_file_of_a_killed_process_is_deleted(settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    old, new, other = (tmp_path / name for name in ("tmpa.upload.pdf", "tmpb.upload", "notes.txt"))
    past = (NOW - timedelta(days=2)).timestamp()
    for path in (old, new, other):
        path.write_bytes(b"x")
    os.utime(old, (past, past))
    os.utime(other, (past, past))

    orphans.collect(now=NOW)

    assert [path.exists() for path in (old, new, other)] == [False, True, True]


def test_thumbnail_is_drawn_anew_without_metadata():
    content = photo(size=(1600, 1200))
    file = store_file(content, media_type="image/jpeg")
    assert PLACE.encode() in content

    processing.process(file_id=file.pk)

    file.refresh_from_db()
    with get_storage().open(file.thumbnail_name) as thumbnail:
        drawn = thumbnail.read()
    assert (drawn[:4], drawn[8:12], len(drawn)) == (b"RIFF", b"WEBP", file.thumbnail_size)
    assert PLACE.encode() not in drawn
    assert b"EXIF" not in drawn


def test_file_that_cannot_be_drawn_has_no_thumbnail():
    for content in (b"\x89PNG\r\n\x1a\nbroken", PIXEL[:50]):
        file = store_file(content, media_type="image/png")

        processing.process(file_id=file.pk)

        file.refresh_from_db()
        assert (file.thumbnail_size, file.has_thumbnail) == (0, False)
