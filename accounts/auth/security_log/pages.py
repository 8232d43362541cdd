"""The page of the security log: the user's own, and for administrators that of all accounts."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.auth.requests import get_request_user
from accounts.auth.security_log import selectors
from core.api.pagination import PageRequest
from core.htmx import render_page

PAGE_SIZE = 30


@login_required
@require_safe
def security_log(request: HttpRequest) -> HttpResponse:
    user = get_request_user(request)
    show_all = request.GET.get("show") == "all"
    page_request = PageRequest(
        sorts=selectors.SORTS,
        ordering="-id",
        limit=PAGE_SIZE,
        cursor=request.GET.get("cursor", ""),
        owner=str(user.pk),
        filters=f"page:{show_all}",
    )
    page = selectors.list_entries(user, None if show_all else user.pk, page_request)
    return render_page(
        request, "accounts/security_log.html", {"page": page, "show_all": show_all, "tab": "security-log"}
    )
