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
from tasks.attachments.storage import generate_name, get_storage
from tasks.items import services as items
from tasks.models import Attachment, StoredFile
from tasks.tests.attachments import PIXEL, make_attachment, store_file

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MONTH = timedelta(days=30)


def test_file_is_collected_a_month_after_its_last_attachment(task, alice):
    other = make_attachment(task, alice)
    shared = make_attachment(task, alice, b"shared")
    deleted = make_attachment(task, alice, b"deleted", thumbnail=b"RIFF")
    storage, file = get_storage(), deleted.file
    Attachment.objects.create(task=task, uploader=alice, file=shared.file, name="copy.txt")
    shared.delete()
    deleted.delete()

    assert orphans.collect(now=NOW) == 0
    assert orphans.collect(now=NOW + MONTH - timedelta(seconds=1)) == 0
    assert storage.exists(file.name)
    assert orphans.collect(now=NOW + MONTH) == 1

    assert not storage.exists(file.name)
    assert not storage.exists(file.thumbnail_name)
    assert not StoredFile.objects.filter(pk=file.pk).exists()
    assert all(storage.exists(name) for name in (other.file.name, shared.file.name))


def test_restored_attachment_keeps_its_file(task, alice):
    attachment = make_attachment(task, alice)
    pk, file = attachment.pk, attachment.file
    attachment.delete()
    orphans.collect(now=NOW)
    attachment.pk = pk
    attachment.save(force_insert=True)  # as the trash does

    orphans.collect(now=NOW + MONTH)

    file.refresh_from_db()
    assert file.unreferenced_since is None
    assert get_storage().exists(file.name)


def test_file_outlives_its_deleted_task(task, alice):
    attachment = make_attachment(task, alice)

    items.delete(actor=alice, ref=str(task.pk), now=NOW)
    orphans.collect(now=NOW)

    assert get_storage().exists(attachment.file.name)


def test_old_file_without_a_row_is_collected(task, alice):
    storage = get_storage()
    known = make_attachment(task, alice, thumbnail=b"RIFF").file
    old, new = (storage.save(generate_name(NOW), ContentFile(b"x")) for _ in range(2))
    past = (NOW - MONTH - timedelta(days=1)).timestamp()
    for name in (old, known.name, known.thumbnail_name):
        os.utime(Path(storage.path(name)), (past, past))

    orphans.collect(now=NOW)

    assert [storage.exists(name) for name in (old, new, known.name, known.thumbnail_name)] == [False, True, True, True]
    storage.delete(new)


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
