"""API of the security log: the caller's own, and for administrators that of all accounts."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.auth.security_log import selectors
from accounts.auth.security_log.selectors import SecurityLogEntry
from core.api import query_params
from core.api.fields import StrictUUIDField
from core.api.generics import ListView
from core.api.pagination import Page, PageQuerySerializer, PageRequest


class LogUserOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class SecurityLogEntryOut(serializers.Serializer[Any]):
    """One event of an account, with a title for people."""

    id = serializers.IntegerField()
    name = serializers.CharField(help_text="The name of the event, like session.opened.")
    title = serializers.CharField()
    detail = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    user = LogUserOut(help_text="Owner of the account; an id of zeros for an unknown address.")
    actor = LogUserOut(allow_null=True, help_text="Null for a stranger and for the system.")
    address = serializers.CharField()
    device = serializers.CharField()
    is_suspicious = serializers.BooleanField()


class SecurityLogQuery(PageQuerySerializer):
    user = StrictUUIDField(required=False, help_text="Another account, for administrators.")
    everybody = query_params.BooleanQueryField(
        required=False, help_text="All accounts, and failures at unknown addresses, for administrators."
    )


class SecurityLogView(ListView):
    """Security events of an account, newest first."""

    operation_ids = {"get": "list_security_log"}
    api_key_scope = None
    serializer_class = SecurityLogEntryOut
    query_serializer_class = SecurityLogQuery
    ordering_fields = selectors.SORTS
    default_ordering = "-id"

    def get_page(self, page_request: PageRequest) -> Page[SecurityLogEntry]:
        user_id = None if self.params.get("everybody") else self.params.get("user", self.user.pk)
        return selectors.list_entries(self.user, user_id, page_request)
