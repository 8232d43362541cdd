"""Data export and account deletion."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth import reauthentication
from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.auth.login_methods.selectors import has_mfa
from accounts.auth.requests import get_request_user
from accounts.privacy import selectors, services
from accounts.privacy.forms import DeleteAccountForm
from accounts.privacy.responses import export_response
from accounts.privacy.services import GRACE_PERIOD
from core.api.endpoints import endpoint
from core.clock import current_time
from core.errors import Conflict, Invalid, NotFound
from core.forms import form_status
from core.htmx import form_data, render_page
from core.rate_limits import Use, limited


@never_cache
@login_required
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Show the user's exports and the way to account deletion."""
    exports = selectors.list_exports(get_request_user(request), current_time()).order_by("-pk")[:20]
    context = {"exports": exports, "tab": "data", "grace_days": GRACE_PERIOD.days}
    return render_page(request, "accounts/privacy.html", context)


@login_required
@require_POST
def request_export(request: HttpRequest) -> HttpResponse:
    """Request an export of the user's data."""
    user = get_request_user(request)
    if response := reauthentication_redirect(request, reverse("settings-privacy")):
        return response
    try:
        with limited(request, Use("export", str(user.pk), settings.EXPORT_RATE)):
            services.request_export(actor=user, now=current_time())
    except Conflict as error:
        messages.warning(request, error.detail)
    else:
        messages.success(request, gettext("Your export is being prepared. You will get an email when it is ready."))
    return redirect("settings-privacy")


@endpoint(long_running=True)
@login_required
@require_safe
def download_export(request: HttpRequest, export_id: UUID) -> HttpResponseBase:
    """Download an export after a recent login."""
    export = selectors.get_export(get_request_user(request), export_id, current_time())
    return reauthentication_redirect(request, reverse("settings-privacy")) or export_response(export)


@login_required
@require_POST
def delete_export(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """Delete an export before it expires."""
    services.delete_export(actor=get_request_user(request), export_id=export_id, now=current_time())
    messages.success(request, gettext("Export deleted."))
    return redirect("settings-privacy")


@endpoint(hashes_password={"POST"}, brute_force_limit={"POST"})
@never_cache
@login_required
@sensitive_post_parameters("confirmation")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_account(request: HttpRequest) -> HttpResponse:
    """Close the user's account after a confirmation by password or email address."""
    user = get_request_user(request)
    # A password is not enough for a user with MFA.
    if has_mfa(user) and (response := reauthentication_redirect(request, reverse("delete-account"))):
        return response
    form = DeleteAccountForm(form_data(request), with_password=user.has_usable_password())
    if request.method == "POST" and form.is_valid():
        # An email address is no secret, so without a password the confirmation needs a recent login.
        if not user.has_usable_password() and (
            response := reauthentication_redirect(request, reverse("delete-account"))
        ):
            return response
        try:
            # Guessing the password here counts like guessing it at the login.
            with reauthentication.throttled_reauthentication(request, user):
                services.request_deletion(
                    actor=user, confirmation=form.cleaned_data["confirmation"], now=current_time()
                )
        except Invalid as error:
            form.add_domain_error(error)
        else:
            auth.logout(request)
            messages.success(request, gettext("Your account is closed. We sent you an email with a link to reopen it."))
            return redirect("login")
    context = {"form": form, "tab": "data", "grace_days": GRACE_PERIOD.days}
    return render_page(request, "accounts/delete_account.html", context, status=form_status(form))


@endpoint(mfa_exempt=True, secret_in_url=True)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_deletion(request: HttpRequest) -> HttpResponse:
    """Reopen a closed account from the email; by POST, because mail programs open links by themselves."""
    token = request.POST.get("token") or request.GET.get("token", "")
    if request.method == "POST":
        try:
            services.cancel_deletion(token=token, now=current_time())
        except NotFound as error:
            return render_page(request, "accounts/cancel_deletion.html", {"error": error.detail}, status=404)
        messages.success(request, gettext("Welcome back. Your account is open again. Please sign in."))
        return redirect("login")
    return render_page(request, "accounts/cancel_deletion.html", {"token": token})
