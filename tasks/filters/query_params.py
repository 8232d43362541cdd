"""Query parameters of the task list and its statistics."""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime
from typing import Any

from django.utils.translation import gettext, gettext_noop
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import User
from core.api.fields import StrictDateField, StrictDateTimeField
from core.api.pagination import PageQuerySerializer
from core.api.query_params import (
    BooleanQueryField,
    CommaSeparatedChoiceField,
    CommaSeparatedUUIDField,
    QuerySerializer,
    RepeatedTextField,
)
from core.clock import current_time
from core.time_zones import sql_time_zone
from tasks.filters import compiler, grammar
from tasks.filters.selectors import TASK_SORTS, TaskFilters
from tasks.models import Category
from tasks.models.search import MAX_SEARCH_LENGTH, MAX_WORDS, validate_search
from tasks.models.task import PRIORITY_NAMES
from tasks.saved_filters import selectors as saved_filters_selectors

DAY_HELP_TEXT = gettext_noop("Days begin and end in your time zone, that of `/me/`.")
KEY_PATTERN = r"[a-z][a-z0-9_]{0,39}"
FIELD_ORDERING_PATTERN = re.compile(rf"-?field\.{KEY_PATTERN}", re.ASCII)
ORDERINGS = [f"{sign}{name}" for name in TASK_SORTS for sign in ("", "-")]


class StatsQuery(QuerySerializer):
    project = serializers.CharField(required=False, max_length=40, help_text="Id or key.")
    assignee = CommaSeparatedUUIDField(
        keywords=("me", "none"), required=False, help_text="Comma-separated ids, `me` or `none`."
    )


@extend_schema_field(
    {"oneOf": [{"type": "string", "enum": ORDERINGS}, {"type": "string", "pattern": rf"^-?field\.{KEY_PATTERN}$"}]}
)
class TaskOrderingField(serializers.ChoiceField):
    """An order of the task list, or `field.<key>` for that of a custom field."""

    def to_internal_value(self, data: Any) -> Any:
        is_field = FIELD_ORDERING_PATTERN.fullmatch(str(data))
        return str(data) if is_field else super().to_internal_value(data)


class TaskQuery(PageQuerySerializer):
    search = serializers.CharField(
        required=False,
        max_length=MAX_SEARCH_LENGTH,
        validators=[validate_search],
        help_text=f"At most {MAX_WORDS} words, or a key like OPS-42.",
    )
    project = serializers.CharField(required=False, max_length=40, help_text="Id or key.")
    status = CommaSeparatedChoiceField(required=False)
    category = CommaSeparatedChoiceField(choices=Category.values, required=False)
    priority = CommaSeparatedChoiceField(choices=PRIORITY_NAMES, required=False)
    assignee = CommaSeparatedUUIDField(
        keywords=("me", "none"), required=False, help_text="Comma-separated ids, `me` or `none`."
    )
    creator = CommaSeparatedUUIDField(keywords=("me",), required=False, help_text="Comma-separated ids or `me`.")
    label = RepeatedTextField(
        max_name_length=60, required=False, help_text="A name; repeat it for tasks with any of several."
    )
    parent = CommaSeparatedUUIDField(
        keywords=("none",), required=False, help_text="The id of a task, or `none`, as the reader sees it."
    )
    overdue = BooleanQueryField(required=False)
    due_after = StrictDateField(required=False, help_text=f"Due on this day or later. {DAY_HELP_TEXT}")
    due_before = StrictDateField(required=False, help_text=f"Due on this day or earlier. {DAY_HELP_TEXT}")
    updated_since = StrictDateTimeField(required=False)
    ordering = TaskOrderingField(
        choices=ORDERINGS,
        required=False,
        help_text="`due_date` and `due_at` are one order: a day counts as its end in your time zone. Within a `project` "
        "also `field.<key>`, a custom field.",
    )
    filter = serializers.CharField(
        required=False,
        trim_whitespace=False,
        help_text="Terms of the filter language, like `state:open assignee:@me due<=@today+7`; beside the other parameters.",
    )
    saved_filter = serializers.UUIDField(
        required=False, help_text="The id of a saved filter, beside the other parameters."
    )
    include = CommaSeparatedChoiceField(choices=["description", "progress"], required=False)

    def validate_parent(self, value: list[str]) -> list[str]:
        if len(value) != 1:
            raise serializers.ValidationError(gettext("Give one id, or `none`."), "invalid")
        return value


def filters_from_params(params: dict[str, Any], user: User, now: datetime | None = None) -> TaskFilters:
    """Return the filters of validated parameters, with the user's own clock and calendar.

    Raises Invalid for a `filter` that means nothing, and NotFound for an unknown `saved_filter`.
    """
    now = now or current_time()
    names = ("search", "project", "status", "category", "assignee", "creator", "label")
    rest = ("overdue", "due_after", "due_before", "updated_since")
    filters = TaskFilters(
        now=now,
        today=now.astimezone(zoneinfo.ZoneInfo(user.time_zone)).date(),
        zone=sql_time_zone(user.time_zone),
        priority=[PRIORITY_NAMES.index(name) for name in params.get("priority", [])],
        # The field takes a list, of which `validate_parent` permits one id.
        parent=(params.get("parent") or [""])[0],
        **{name: params[name] for name in (*names, *rest) if name in params},
    )
    texts = [params.get("filter", "")]
    if filter_id := params.get("saved_filter"):
        texts.insert(0, saved_filters_selectors.get_saved_filter(user, filter_id).filter)
    for text in filter(None, texts):
        filters = compiler.compile_filter(grammar.parse(text), user, filters)
    return filters
