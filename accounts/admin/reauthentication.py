"""What administrators write of people outlives their session, so it asks for the fresh proof that its pages ask for."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts.auth.allauth.reauthentication import reauthentication_redirect
from core.admin import BaseAdmin


class RequiresRecentLoginAdmin(BaseAdmin):
    """Goes first among an admin class's bases: whatever is sent, by a form or an action, comes from somebody proven."""

    def changeform_view(self, request: HttpRequest, *args: Any, **words: Any) -> HttpResponse:
        shown: HttpResponse = _reauthentication_response(request) or super().changeform_view(request, *args, **words)
        return shown

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return _reauthentication_response(request) or super().changelist_view(request, extra_context)


def _reauthentication_response(request: HttpRequest) -> HttpResponse | None:
    return reauthentication_redirect(request, request.get_full_path()) if request.method == "POST" else None
