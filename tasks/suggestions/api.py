"""Suggestions for a filter that somebody types."""

from __future__ import annotations

from typing import Any

from core.api.endpoints import all_projects
from core.api.generics import ActionView
from tasks.suggestions import selectors
from tasks.suggestions.serializers import FilterStart, SuggestionsOut


class FilterSuggestionsView(ActionView):
    """Names and visible values that may follow the text of a filter."""

    operation_ids = {"post": "suggest_filter"}
    api_key_scope = {"POST": "tasks:read"}
    project_from = all_projects
    input_serializer_class = FilterStart
    serializer_class = SuggestionsOut
    has_versions = False

    def perform_action(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"suggestions": selectors.suggest_filter(self.user, data["filter"], now=self.now)}
