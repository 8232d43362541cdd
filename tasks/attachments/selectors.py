"""Reads of attachments."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from core.errors import Conflict, NotFound
from tasks import policies
from tasks.attachments.storage import ByteRange, get_storage
from tasks.models import Attachment, StoredFile, Task
from tasks.sharing import selectors as sharing_selectors

FILE_NOT_FOUND = gettext_noop("There is no such attachment.")
PREVIEW_BYTES = 64 * 1024


def list_attachments(task: Task) -> QuerySet[Attachment]:
    """Return the attachments of a task with their files and uploaders."""
    return Attachment.objects.filter(task=task).with_relations()


def list_newest(_reader: User, task: Task, limit: int = 500) -> list[Attachment]:
    """Return the attachments as the panel of a task shows them, the newest first."""
    return list(list_attachments(task).order_by("-pk")[:limit])


def get_attachment(task: Task, attachment_id: uuid.UUID) -> Attachment:
    """Return one attachment of a task. Raises NotFound."""
    attachment = list_attachments(task).filter(pk=attachment_id).first()
    if attachment is None:
        raise NotFound(FILE_NOT_FOUND)
    return attachment


def can_delete(reader: User, attachment: Attachment) -> bool:
    """Return whether the page offers the deletion.

    The service decides again, under the lock.
    """
    project_role, role = sharing_selectors.project_and_task_role(reader, attachment.task)
    if attachment.task.project.archived_at is not None:
        return False
    is_own = attachment.uploader_id == reader.pk and policies.can_comment(role)
    return is_own or policies.can_manage(project_role)


def require_downloadable(file: StoredFile) -> None:
    """Raise Conflict for a file in quarantine or with malware."""
    if file.state == StoredFile.State.QUARANTINED:
        raise Conflict(gettext("This file is being checked for malware. Try again in a moment."), code="quarantined")
    if file.state == StoredFile.State.INFECTED:
        raise Conflict(gettext("Malware was found in this file, so it was deleted."), code="infected")


def open_content(file: StoredFile, start: int = 0, size: int | None = None) -> ByteRange:
    """Open the content of a file, or a part of it. Raises Conflict, NotFound, ServiceUnavailable."""
    require_downloadable(file)
    return _open(file.name, start, file.size - start if size is None else size)


def open_thumbnail(file: StoredFile) -> ByteRange:
    """Open the thumbnail. Raises NotFound, ServiceUnavailable."""
    if not file.has_thumbnail:
        raise NotFound(gettext("This attachment has no thumbnail."))
    return _open(file.thumbnail_name, 0, file.thumbnail_size)


def _open(name: str, start: int, size: int) -> ByteRange:
    try:
        return get_storage().open_range(name, start, size)
    except FileNotFoundError as error:
        raise NotFound(gettext("The file is missing from the storage.")) from error


def read_preview(file: StoredFile) -> tuple[str, bool]:
    """Return the beginning of a text file, and whether there is more of it; an empty text for other files."""
    if not file.is_text or file.state != StoredFile.State.STORED:
        return "", False
    content = open_content(file, size=min(file.size, PREVIEW_BYTES))
    text = b"".join(content).decode("utf-8", "replace").removeprefix("\ufeff")
    return text, file.size > PREVIEW_BYTES
