from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.fields import StrictSerializer, TextField
from tasks.filters.grammar import MAX_LENGTH


class FilterStart(StrictSerializer):
    """A filter up to the cursor."""

    filter = TextField(
        trim_whitespace=False, allow_blank=True, max_length=MAX_LENGTH, help_text="The filter up to the cursor."
    )


class SuggestionOut(serializers.Serializer[Any]):
    text = serializers.CharField(help_text="Replaces what was typed from `start` on, quoted where needed.")
    label = serializers.CharField(help_text="What the text stands for; may be empty.")
    start = serializers.IntegerField(help_text="Offset in the text that was sent, in code points.")


class SuggestionsOut(serializers.Serializer[Any]):
    """Texts that may follow a filter."""

    suggestions = SuggestionOut(many=True)
