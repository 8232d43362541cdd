"""Mails about an account. Who sends them is said in the settings: the app that does knows this one, not the reverse."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def enqueue(*, kind: str, to: str, context: dict[str, Any], dedup_key: str) -> None:
    """Queue a mail of this kind (notifications.kinds.AccountEmailKind) in the present transaction; it outlives a dead server.

    `words` are plain values that the templates emails/<kind>/ name. They are kept encrypted until the mail is sent, so
    a link with a secret may be among them. `..._path` becomes `..._link`, an address of this site; `..._at`, an ISO
    instant, is written out in the `time_zone` among the words. The same `key` of the same kind queues one mail only.
    """
    import_string(settings.ACCOUNT_EMAIL_QUEUE)(kind=kind, to=to, context=context, dedup_key=dedup_key)
