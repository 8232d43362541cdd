"""Writes of attachments: add, delete."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from core.errors import Conflict, NotFound, require
from core.etags import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.attachments.errors import size_text
from tasks.attachments.inspection import inspect
from tasks.attachments.storage import generate_name, get_storage
from tasks.items import selectors as items_selectors
from tasks.models import Attachment, StoredFile, Task
from tasks.sharing import selectors as sharing_selectors
from tasks.trash.storage import collect, discard

READ_ONLY = gettext_noop("You may read this task, not attach files to it.")


def add(*, actor: User, ref: str, upload: UploadedFile[Any], now: datetime) -> Attachment:
    """Attach an uploaded file to a task.

    The file is stored first, without a lock, since that may take long; its row decides whether it is kept.
    Raises NotFound, NotAllowed, Conflict, FileRefused, FileTooLarge, ServiceUnavailable.
    """
    # Checked again under the lock. Here it keeps files of users who may not attach any from being stored at all.
    task = items_selectors.get_task(actor, ref)
    require(policies.can_comment(sharing_selectors.project_and_task_role(actor, task)[1]), READ_ONLY)
    inspected = inspect(upload)
    storage = get_storage()
    stored_name = storage.save(generate_name(now), upload)
    file = StoredFile(
        name=stored_name,
        size=inspected.size,
        sha256=inspected.sha256,
        media_type=inspected.media_type,
        state=StoredFile.State.QUARANTINED if settings.CLAMAV_URL else StoredFile.State.STORED,
        created_at=now,
    )
    try:
        return _insert(actor=actor, ref=ref, file=file, name=inspected.name, now=now)
    except BaseException:
        storage.delete(stored_name)
        raise


@transaction.atomic
def _insert(*, actor: User, ref: str, file: StoredFile, name: str, now: datetime) -> Attachment:
    # The project's lock makes uploads wait for each other, so that no two of them use the same rest of the quota.
    project = items_selectors.lock_project_of_task(actor, ref)
    locked = items_selectors.lock_task(actor, ref)
    require(policies.can_comment(locked.role), READ_ONLY)
    policies.require_not_archived(project)
    require_room(locked.task, file.size)
    file.save(force_insert=True)
    attachment = Attachment(task=locked.task, uploader=actor, file=file, name=name, created_at=now)
    attachment.save(force_insert=True)
    event = events.TaskAttachmentAdded(
        task=locked.payload(),
        attachment_id=str(attachment.pk),
        file_id=str(file.pk),
        file_name=name,
        size=file.size,
        media_type=file.media_type,
    )
    publish(event, actor=actor, at=now)
    return attachment


def require_room(task: Task, size: int) -> None:
    """Raise Conflict beyond the count of a task or the quota of a project.

    Call it under the lock of the project.
    """
    count = Attachment.objects.filter(task=task).count()
    if count >= settings.ATTACHMENT_MAX_PER_TASK:
        message = gettext("This task has %(count)s attachments, the most a task may have. Delete one first.") % {
            "count": count
        }
        raise Conflict(message, code="too_many_attachments")
    used = Attachment.objects.filter(task__project=task.project_id).aggregate(total=Sum("file__size"))["total"] or 0
    if used + size > settings.ATTACHMENT_PROJECT_QUOTA_BYTES:
        quota = size_text(settings.ATTACHMENT_PROJECT_QUOTA_BYTES)
        message = gettext(
            "The attachments of a project may take %(quota)s; those of this one take %(used)s already."
        ) % {"quota": quota, "used": size_text(used)}
        raise Conflict(message, code="quota_exceeded")


@transaction.atomic
def delete(
    *, actor: User, ref: str, attachment_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None
) -> None:
    """Move the actor's own attachment to the trash, or any as a project admin.

    Its file stays until the trash is emptied. Raises NotFound, NotAllowed, Conflict, VersionConflict.
    """
    locked = items_selectors.lock_task(actor, ref)
    policies.require_not_archived(locked.task.project)
    rows = Attachment.objects.select_for_update(of=("self",)).select_related("file")
    attachment = rows.filter(task=locked.task, pk=attachment_id).first()
    if attachment is None:
        raise NotFound(gettext("There is no such attachment."))
    is_allowed = attachment.uploader_id == actor.pk and policies.can_comment(locked.role)
    message = gettext("Only its uploader or an admin of the project may delete an attachment.")
    require(is_allowed or policies.can_manage(locked.project_role), message)
    check_version(attachment, versions)
    event = events.TaskAttachmentDeleted(
        task=locked.payload(),
        attachment_id=str(attachment_id),
        file_name=attachment.name,
        uploader_id=str(attachment.uploader_id),
    )
    project = locked.task.project
    title = f"{attachment.name} on {locked.task.key}"
    discard(collect(attachment), kind="attachment", obj=attachment, title=title, project=project, actor=actor, now=now)
    publish(event, actor=actor, at=now)
