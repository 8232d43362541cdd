"""What happened to one's own account; for administrators also to everybody else's."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts import selectors
from accounts.callers import person_of
from core.htmx import page
from gateway.pagination import Window

PAGE_SIZE = 30


@login_required
@require_safe
def security_log(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    everybody = request.GET.get("show") == "everybody"
    window = Window(
        sorts=selectors.LOG_SORTS,
        ordering="-id",
        limit=PAGE_SIZE,
        cursor=request.GET.get("cursor", ""),
        owner=str(person.pk),
        filters=f"page:{everybody}",
    )
    piece = selectors.security_log(person, None if everybody else person.pk, window)
    return page(request, "accounts/security_log.html", {"piece": piece, "everybody": everybody, "tab": "security-log"})
