"""Pages of saved filters: list, save, edit, delete, subscribe."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth.requests import get_request_user
from accounts.models import User
from core.clock import current_time
from core.errors import VersionConflict
from core.forms import expected_version, form_status
from core.htmx import form_data, render_page, safe_redirect_url
from tasks.filters.grammar import MAX_LENGTH
from tasks.saved_filters import selectors, services, subscriptions
from tasks.saved_filters.forms import SavedFilterForm, audience_of

MAX_LISTED = 500


@login_required
@require_safe
def saved_filters(request: HttpRequest) -> HttpResponse:
    """List the user's saved filters and those shared with the user."""
    reader = get_request_user(request)
    rows = list(selectors.list_saved_filters(reader).order_by("-is_favourite", "position", "name", "pk")[:MAX_LISTED])
    own = [row for row in rows if row.owner_id == reader.pk]
    shared = [row for row in rows if row.owner_id != reader.pk]
    return render_page(request, "tasks/saved_filters.html", {"own": own, "shared": shared})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_filter(request: HttpRequest) -> HttpResponse:
    """Save a filter; `?filter=` fills in the form."""
    reader = get_request_user(request)
    initial = {name: request.GET.get(name, "")[:MAX_LENGTH] for name in ("filter", "ordering", "grouping", "columns")}
    form = _form(reader, request, initial=initial)
    saved_filter = form.submit(lambda _: services.create(actor=reader, now=current_time(), **form.values()))
    if saved_filter is not None:
        messages.success(request, gettext("Filter “%(name)s” saved.") % {"name": saved_filter.name})
        return redirect(f"{reverse('task-list')}?saved_filter={saved_filter.pk}")
    return render_page(request, "tasks/saved_filter_form.html", {"form": form}, status=form_status(form))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_filter(request: HttpRequest, filter_id: UUID) -> HttpResponse:
    """Change a filter of the user's own. Raises NotFound, and NotAllowed for one of another user."""
    reader = get_request_user(request)
    saved_filter = selectors.get_own_filter(reader, filter_id)
    initial = {name: getattr(saved_filter, name) for name in ("name", "filter", "is_favourite", "ordering", "grouping")}
    initial["columns"] = ", ".join(saved_filter.columns)
    form = _form(reader, request, initial=initial | {"audience": audience_of(saved_filter)})
    context = {"form": form, "saved_filter": saved_filter}
    versions = expected_version(request)
    try:
        changed = form.submit(
            lambda _: services.update(
                actor=reader, filter_id=filter_id, changes=form.values(), now=current_time(), versions=versions
            )
        )
    except VersionConflict as conflict:
        form.add_error(None, gettext("You changed this filter in another tab. Save again to keep this version."))
        saved_filter.version = conflict.version
        return render_page(request, "tasks/saved_filter_form.html", context, status=409)
    if changed is not None:
        messages.success(request, gettext("Filter “%(name)s” saved.") % {"name": changed.name})
        return HttpResponseRedirect(f"{reverse('task-list')}?saved_filter={filter_id}")
    return render_page(request, "tasks/saved_filter_form.html", context, status=form_status(form))


@login_required
@require_POST
def delete_filter(request: HttpRequest, filter_id: UUID) -> HttpResponse:
    services.delete(actor=get_request_user(request), filter_id=filter_id, now=current_time())
    messages.success(request, gettext("Filter moved to the trash."))
    return redirect("saved-filters")


@login_required
@require_POST
def subscribe(request: HttpRequest, filter_id: UUID) -> HttpResponse:
    """Subscribe to a filter, or end the subscription (`subscribed=false`)."""
    reader = get_request_user(request)
    if request.POST.get("subscribed") == "false":
        subscriptions.unsubscribe(actor=reader, filter_id=filter_id)
        messages.success(request, gettext("You no longer get notifications from this filter."))
    else:
        saved_filter = subscriptions.subscribe(actor=reader, filter_id=filter_id, now=current_time())
        messages.success(
            request, gettext("You get a notification when a task enters “%(name)s”.") % {"name": saved_filter.name}
        )
    return HttpResponseRedirect(safe_redirect_url(request, request.POST.get("next", ""), reverse("saved-filters")))


def _form(reader: User, request: HttpRequest, initial: dict[str, Any]) -> SavedFilterForm:
    projects, teams = selectors.audience_choices(reader)
    return SavedFilterForm(form_data(request), projects=projects, teams=teams, initial=initial)
