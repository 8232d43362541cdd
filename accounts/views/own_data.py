"""One's data: taking it along, and leaving."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import guard, selectors, services
from accounts.adapters.confirming import confirmation
from accounts.callers import person_of
from accounts.downloads import archive_of
from accounts.forms import LeaveForm
from accounts.services.departures import GRACE
from core.errors import Conflict, Invalid, NotFound
from core.forms import status_of
from core.htmx import page, posted
from gateway.limits import spend


@never_cache
@login_required
@require_safe
def own_data(request: HttpRequest) -> HttpResponse:
    exports = selectors.exports(person_of(request), timezone.now()).order_by("-pk")[:20]
    context = {"exports": exports, "tab": "data", "grace": GRACE.days}
    return page(request, "accounts/own_data.html", context)


@login_required
@require_POST
def request_export(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    if door := confirmation(request, reverse("settings-data")):
        return door
    spend(request, group="export", key=str(person.pk), rate=settings.EXPORT_RATE)
    try:
        services.request_export(actor=person, now=timezone.now())
    except Conflict as refusal:
        messages.warning(request, refusal.detail)
    else:
        messages.success(request, "We put your data together. An e-mail says when it is ready.")
    return redirect("settings-data")


@login_required
@require_safe
def download_export(request: HttpRequest, export_id: UUID) -> HttpResponseBase:
    export = selectors.get_export(person_of(request), export_id, timezone.now())
    return confirmation(request, reverse("settings-data")) or archive_of(export)


@login_required
@require_POST
def delete_export(request: HttpRequest, export_id: UUID) -> HttpResponse:
    services.delete_export(actor=person_of(request), export_id=export_id, now=timezone.now())
    messages.success(request, "That archive is deleted.")
    return redirect("settings-data")


@never_cache
@login_required
@sensitive_post_parameters("confirmation")
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = LeaveForm(posted(request), with_password=person.has_usable_password())
    if request.method == "POST" and form.is_valid():
        if not person.has_usable_password() and (door := confirmation(request, reverse("leave"))):
            return door
        try:
            with guard.proving(request, person):
                services.leave(actor=person, confirmation=form.cleaned_data["confirmation"], now=timezone.now())
        except Invalid as refusal:
            form.add_refusal(refusal)
        else:
            auth.logout(request)
            messages.success(request, "Your account is closed. The e-mail we sent you tells how to come back.")
            return redirect("login")
    context = {"form": form, "tab": "data", "grace": GRACE.days}
    return page(request, "accounts/leave.html", context, status=status_of(form))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stay(request: HttpRequest) -> HttpResponse:
    """The way back, from the mail. A POST does it, because mail programs follow links by themselves."""
    token = request.POST.get("token") or request.GET.get("token", "")
    if request.method == "POST":
        try:
            services.stay(token=token, now=timezone.now())
        except NotFound as refusal:
            return page(request, "accounts/stay.html", {"refusal": refusal.detail}, status=404)
        messages.success(request, "Welcome back. Your account is open again; sign in.")
        return redirect("login")
    return page(request, "accounts/stay.html", {"token": token})
