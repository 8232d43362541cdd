"""What several pages of this app do alike."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect

from core.htmx import inside


def back_to(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """Return to the page the form was on, if it is one of ours."""
    return HttpResponseRedirect(inside(request, request.POST.get("next", ""), otherwise))


def version_in(request: HttpRequest) -> frozenset[int] | None:
    """The version the person looked at; None, which skips the check, when the form did not say."""
    sent = request.POST.get("version", "")
    return frozenset({int(sent)}) if sent.isascii() and sent.isdecimal() and len(sent) < 10 else None
