"""Pages of the development mailbox, for administrators."""

from csp.decorators import csp_replace, csp_update
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from accounts.auth.requests import get_request_user
from core.errors import NotAllowed, NotFound
from core.htmx import render_page
from notifications.email import dev_mailbox


@login_required
@require_safe
def message_list(request: HttpRequest) -> HttpResponse:
    _require_mailbox_access(request)
    return render_page(request, "notifications/mailbox.html", {"emails": dev_mailbox.list_messages()})


@csp_update({"frame-src": ["'self'"]})
@login_required
@require_safe
def message_detail(request: HttpRequest, name: str) -> HttpResponse:
    _require_mailbox_access(request)
    return render_page(request, "notifications/mailbox_message.html", {"email": dev_mailbox.read_message(name)})


@csp_replace(
    {
        "default-src": ["'none'"],
        "script-src": None,
        # Emails have inline styles only, because mail programs ignore style sheets.
        "style-src": ["'unsafe-inline'"],
        "img-src": ["data:"],
        "frame-ancestors": ["'self'"],
        # Without allow-same-origin: even if a script ran, it could not read the cookies of this site.
        "sandbox": True,
    }
)
@xframe_options_sameorigin
@login_required
@require_safe
def message_html(request: HttpRequest, name: str) -> HttpResponse:
    """Return the HTML part for a sandboxed frame: styles apply, scripts do not run and nothing loads."""
    _require_mailbox_access(request)
    return HttpResponse(dev_mailbox.read_message(name).html)


def _require_mailbox_access(request: HttpRequest) -> None:
    """Refuse all but administrators: the messages are those of all users. Without a mailbox, answer 404."""
    if not get_request_user(request).is_admin:
        raise NotAllowed(gettext("Only administrators can view the mailbox."))
    if not settings.MAILBOX_DIR:
        raise NotFound(gettext("Email is sent through a mail server here; there is no mailbox."))
