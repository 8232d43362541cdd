"""Recent login for write access in the admin."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts.auth.allauth.reauthentication import reauthentication_redirect
from core.admin import BaseAdmin


class RequiresRecentLoginAdmin(BaseAdmin):
    """Requires a recent login for every POST, form or action; goes first among the base classes."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = _reauthentication_response(request) or super().changeform_view(
            request, *args, **kwargs
        )
        return response

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return _reauthentication_response(request) or super().changelist_view(request, extra_context)


def _reauthentication_response(request: HttpRequest) -> HttpResponse | None:
    return reauthentication_redirect(request, request.get_full_path()) if request.method == "POST" else None
