"""Suggestions for text fields of pages, as options of a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.errors import Invalid
from core.htmx import render_page
from core.text import normalize
from tasks.filters.grammar import MAX_LENGTH
from tasks.models.search import MAX_SEARCH_LENGTH
from tasks.suggestions import selectors


@login_required
@require_safe
def filter_suggestions(request: HttpRequest) -> HttpResponse:
    """Suggest names and values for a filter; `text` is the filter up to the cursor."""
    return _options(request, selectors.suggest_filter, MAX_LENGTH)


@login_required
@require_safe
def task_suggestions(request: HttpRequest) -> HttpResponse:
    """Suggest tasks by the beginning of a key, or by words of the title."""
    return _options(request, selectors.suggest_tasks, MAX_SEARCH_LENGTH)


def _options(request: HttpRequest, suggest: Callable[..., Any], max_length: int) -> HttpResponse:
    text = normalize(request.GET.get("text", "").replace("\x00", ""))
    try:
        # A longer text gets an error when it is sent.
        is_short = len(text) <= max_length
        suggestions = suggest(get_request_user(request), text, now=current_time()) if is_short else []
    except Invalid:  # of words that can't be searched for
        suggestions = []
    return render_page(request, "tasks/_suggestions.html", {"suggestions": suggestions})
