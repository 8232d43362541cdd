"""Move many tasks to the trash, and restore them: all of them or none."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from core.db import uuid7
from core.errors import Conflict, Invalid, NotAllowed
from events.outbox import publish
from tasks import events
from tasks.bulk import services
from tasks.items import services as items
from tasks.models import TrashEntry
from tasks.trash import services as trash
from tasks.trash import storage

# Each takes about thirty statements, and its rows become an entry of the trash.
MAX_DELETED = 200


@transaction.atomic
def delete_tasks(*, actor: User, ids: Collection[uuid.UUID], now: datetime) -> list[uuid.UUID]:
    """Move up to MAX_DELETED tasks to the trash; return their ids in the order of the deletion.

    Raises Invalid, NotAllowed, Conflict; the message names the task.
    """
    if len(ids) > MAX_DELETED:
        raise Invalid.field(
            "ids",
            gettext("At most %(max_deleted)s tasks are deleted at once.") % {"max_deleted": MAX_DELETED},
            "too_many",
        )
    keys = {task.pk: task.key for task in services.lock_tasks(actor, ids)}
    row_count = 0
    for task_id, key in keys.items():
        try:
            items.delete(actor=actor, ref=str(task_id), now=now)
        except NotAllowed as error:
            raise NotAllowed(
                gettext("You may read %(key)s, not delete it. Nothing was changed.") % {"key": key}
            ) from error
        except Conflict as error:
            raise Conflict(
                gettext("%(key)s: %(message)s Nothing was changed.") % {"key": key, "message": error.message},
                code=error.code,
            ) from error
        row_count += TrashEntry.objects.values_list("row_count", flat=True).get(kind="task", object_id=task_id)
        if row_count > storage.MAX_ROWS:
            raise Conflict(
                f"More than {storage.MAX_ROWS:,} rows belong to these tasks. Delete fewer of them at once. "
                "Nothing was changed.",
                code=storage.TOO_MANY_ROWS,
            )
    if keys:
        deleted = [str(task_id) for task_id in keys]
        publish(events.BulkDeleted(bulk={"id": str(uuid7())}, task_ids=deleted), actor=actor, at=now)
    return list(keys)


@transaction.atomic
def restore_tasks(*, actor: User, ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Restore tasks that were deleted in this order, the last one first. Raises Conflict, NotAllowed."""
    entries = TrashEntry.objects.visible_to(actor).filter(kind=TrashEntry.Kind.TASK, object_id__in=ids)
    entry_ids = dict(entries.values_list("object_id", "pk"))
    if missing := len(ids) - len(entry_ids):
        raise Conflict(
            gettext("%(missing)s of these tasks are no longer in the trash. Nothing was restored.")
            % {"missing": missing},
            code="not_in_trash",
        )
    # A task comes back before the parent that was deleted first: the trash of the parent names it.
    restored = list(reversed(ids))
    for task_id in restored:
        trash.restore(actor=actor, entry_id=entry_ids[task_id], now=now)
    publish(
        events.BulkRestored(bulk={"id": str(uuid7())}, task_ids=[str(task_id) for task_id in restored]),
        actor=actor,
        at=now,
    )
