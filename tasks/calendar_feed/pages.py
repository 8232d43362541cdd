"""The settings page of the calendar feed, and the feed that calendar programs read."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth.requests import get_request_user
from core.api.endpoints import endpoint
from core.clock import current_time
from core.errors import NotFound
from core.etags import list_etag
from core.htmx import render_page
from tasks.calendar_feed import selectors, services
from tasks.calendar_feed.icalendar import CONTENT_TYPE, build_calendar

TEMPLATE = "tasks/calendar_feed.html"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def feed_settings(request: HttpRequest) -> HttpResponse:
    """Show whether the user has a feed, and create one; its address is shown once."""
    user = get_request_user(request)
    is_new = request.method == "POST"
    # No redirect after the form: the address exists only in this response.
    feed = services.create(actor=user, now=current_time()) if is_new else selectors.get_feed(user)
    return render_page(request, TEMPLATE, {"tab": "calendar", "feed": feed})


@login_required
@require_POST
def revoke_feed(request: HttpRequest) -> HttpResponse:
    services.revoke(actor=get_request_user(request))
    messages.success(request, gettext("Calendar link revoked."))
    return redirect("settings-calendar")


@endpoint(rate_limit=True, mfa_exempt=True, secret_in_url=True)
@require_safe
def calendar_feed(request: HttpRequest) -> HttpResponseBase:
    """Answer a calendar program with the tasks of whose token it sends.

    The token stands in the query, which no log shows.
    """
    try:
        owner = selectors.get_feed_owner(request.GET.get("token", ""))
    except NotFound as error:
        response = HttpResponse(error.detail, status=404, content_type="text/plain; charset=utf-8")
    else:
        body = build_calendar(selectors.list_feed_tasks(owner, now=current_time()))
        response = HttpResponse(body, content_type=CONTENT_TYPE)
        response["ETag"] = list_etag(body)
        response["Content-Disposition"] = 'attachment; filename="taskflow.ics"'
    response["Cache-Control"] = "private, no-cache"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return get_conditional_response(request, etag=response.get("ETag"), response=response) or response
