"""Pages of the inbox."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.auth.requests import get_request_user
from core.api.pagination import PageRequest
from core.clock import current_time
from core.htmx import render_page, safe_redirect_url
from notifications.inbox import selectors, services

PAGE_SIZE = 30
UNREAD_FILTER = "unread"


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    user = get_request_user(request)
    only_unread = request.GET.get("show") == UNREAD_FILTER
    page_request = PageRequest(
        sorts=selectors.SORTS,
        ordering=selectors.NEWEST_FIRST,
        limit=PAGE_SIZE,
        cursor=request.GET.get("cursor", ""),
        # The cursor is bound to user and filter; one from elsewhere is rejected instead of giving a wrong page.
        owner=str(user.pk),
        filters=f"page:{only_unread}",
    )
    page = selectors.list_notifications(user, page_request, unread=True if only_unread else None)
    selectors.mark_unavailable(user, page.rows)
    context = {
        "page": page,
        "only_unread": only_unread,
        "unread": selectors.unread_count(user),
        "newest": page.rows[0] if page.rows else None,
    }
    return render_page(request, "notifications/inbox.html", context, fragments={"inbox": "notifications/_inbox.html"})


@login_required
@require_POST
def open_notification(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    """Mark a notification as read and redirect to its target.

    A POST, because browsers prefetch links.
    """
    user = get_request_user(request)
    notification = selectors.get_notification(user, notification_id)
    services.mark_read(actor=user, notification_id=notification_id, now=current_time())
    selectors.mark_unavailable(user, [notification])
    if notification.is_unavailable:
        messages.info(request, gettext("It was deleted, or you no longer have access to it."))
        return _redirect_back(request)
    return redirect(notification.url)


@login_required
@require_POST
def mark_read(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    services.mark_read(actor=get_request_user(request), notification_id=notification_id, now=current_time())
    return _redirect_back(request)


@login_required
@require_POST
def mark_unread(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    services.mark_unread(actor=get_request_user(request), notification_id=notification_id)
    return _redirect_back(request)


@login_required
@require_POST
def mark_all_read(request: HttpRequest) -> HttpResponse:
    """Mark as read all that the page showed; what arrived since stays unread."""
    try:
        until = UUID(request.POST.get("until", ""))
    except ValueError:
        until = None
    count = services.mark_all_read(actor=get_request_user(request), now=current_time(), until=until)
    messages.success(
        request,
        gettext("%(count)s notifications marked as read.") % {"count": count}
        if count != 1
        else "1 notification marked as read.",
    )
    return redirect("inbox")


def _redirect_back(request: HttpRequest) -> HttpResponseRedirect:
    """Redirect to the page of the inbox that the button was on."""
    return HttpResponseRedirect(safe_redirect_url(request, request.POST.get("next", ""), "/inbox/"))
