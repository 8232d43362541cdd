"""The pages of what people hear: the inbox, its preferences, and the mailbox of a start without a mail server."""

from __future__ import annotations

from uuid import UUID

from csp.decorators import csp_replace, csp_update
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.callers import person_of
from core.errors import NotAllowed, NotFound
from core.htmx import inside, page, posted
from gateway.pagination import Window
from notifications import mailbox as letters
from notifications import selectors, services
from notifications.forms import PreferencesForm

PAGE_SIZE = 30
SHOWN_UNREAD = "unread"


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    only_unread = request.GET.get("show") == SHOWN_UNREAD
    window = Window(
        sorts=selectors.SORTS,
        ordering=selectors.NEWEST_FIRST,
        limit=PAGE_SIZE,
        cursor=request.GET.get("cursor", ""),
        owner=str(person.pk),
        filters=f"page:{only_unread}",
    )
    piece = selectors.list_inbox(person, window, unread=True if only_unread else None)
    context = {
        "piece": piece,
        "only_unread": only_unread,
        "unread": selectors.unread_count(person),
        "newest": piece.rows[0] if piece.rows else None,
    }
    return page(request, "notifications/inbox.html", context, fragments={"inbox": "notifications/_inbox.html"})


@login_required
@require_POST
def open_notification(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    """Following a notification reads it; a POST, because browsers fetch links ahead of time."""
    person = person_of(request)
    found = selectors.get_notification(person, notification_id)
    services.mark_read(actor=person, notification_id=notification_id, now=timezone.now())
    return redirect(found.url)


@login_required
@require_POST
def read(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    services.mark_read(actor=person_of(request), notification_id=notification_id, now=timezone.now())
    return _back(request)


@login_required
@require_POST
def unread(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    services.mark_unread(actor=person_of(request), notification_id=notification_id)
    return _back(request)


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark read what the page showed; what arrived since stays unread."""
    newest = request.POST.get("until", "")
    until = UUID(newest) if _is_uuid(newest) else None
    count = services.mark_all_read(actor=person_of(request), now=timezone.now(), until=until)
    messages.success(request, f"{count} marked as read.")
    return redirect("inbox")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = PreferencesForm(posted(request), matrix=selectors.preferences(person))
    if request.method == "POST" and form.is_valid():
        services.set_preferences(actor=person, switches=form.switches())
        messages.success(request, "Your notifications are set.")
        return redirect("settings-notifications")
    return page(request, "notifications/preferences.html", {"form": form, "tab": "notifications"})


@login_required
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    _require_mailbox(request)
    return page(request, "notifications/mailbox.html", {"letters": letters.list_messages()})


@csp_update({"frame-src": ["'self'"]})
@login_required
@require_safe
def message(request: HttpRequest, name: str) -> HttpResponse:
    _require_mailbox(request)
    return page(request, "notifications/message.html", {"letter": letters.read_message(name)})


@csp_replace(
    {
        "default-src": ["'none'"],
        "script-src": None,
        "style-src": ["'unsafe-inline'"],
        "img-src": ["data:"],
        "frame-ancestors": ["'self'"],
        "sandbox": True,
    }
)
@xframe_options_sameorigin
@login_required
@require_safe
def message_html(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML part as a mail program would show it: in a sandbox, with styles and nothing that acts or loads."""
    _require_mailbox(request)
    return HttpResponse(letters.read_message(name).html)


def _require_mailbox(request: HttpRequest) -> None:
    """Letters are for anybody's eyes, so only administrators look, and only where they are kept at all."""
    if not person_of(request).is_admin:
        raise NotAllowed("Only administrators look into the mailbox.")
    if not settings.MAILBOX_DIR:
        raise NotFound("E-mail leaves through a mail server here; there is no mailbox.")


def _back(request: HttpRequest) -> HttpResponseRedirect:
    """Return to the piece of the inbox the button was pressed on."""
    return HttpResponseRedirect(inside(request, request.POST.get("next", ""), "/inbox/"))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
