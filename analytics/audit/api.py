"""API of the audit view, for administrators."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from analytics.audit import selectors
from core.api.fields import StrictDateField
from core.api.generics import ListView
from core.api.pagination import Page, PageQuerySerializer, PageRequest, paginate


class AuditQuery(PageQuerySerializer):
    actor = serializers.CharField(required=False, max_length=60, help_text="Handle or id of who did it.")
    kind = serializers.ChoiceField(required=False, choices=list(selectors.KINDS), help_text="What it was about.")
    subject = serializers.CharField(
        required=False, max_length=60, help_text="Key of a task or project, handle of a user, or an id."
    )
    since = StrictDateField(required=False, help_text="First day, in the caller's time zone.")
    until = StrictDateField(required=False, help_text="Last day, in the caller's time zone.")


class AuditEntryOut(serializers.Serializer[Any]):
    """One event of the log, without the content of personal inboxes."""

    id = serializers.IntegerField()
    position = serializers.IntegerField(allow_null=True, help_text="Null until the relay has appended it to the log.")
    occurred_at = serializers.DateTimeField()
    name = serializers.CharField()
    actor_id = serializers.UUIDField(allow_null=True, help_text="Null for the system, and for a stranger.")
    actor = serializers.CharField()
    subject_type = serializers.CharField()
    subject_id = serializers.UUIDField()
    subject = serializers.CharField()
    detail = serializers.CharField(help_text="The rest of the event as JSON, cut at 300 characters.")


class AuditView(ListView):
    """Events of all users and objects, newest first, for administrators."""

    operation_ids = {"get": "list_audit_events"}
    # Of a session only, like all that administrators may do.
    api_key_scope = None
    query_serializer_class = AuditQuery
    serializer_class = AuditEntryOut
    default_ordering = "-id"
    list_selector = selectors.list_events

    def get_page(self, page_request: PageRequest, **url: Any) -> Page[Any]:
        page = paginate(self.get_queryset(**url), page_request)
        rows = list(selectors.entries(page.rows))
        return Page(rows, page.next, page.previous, page.count, page.pages, page.page)
