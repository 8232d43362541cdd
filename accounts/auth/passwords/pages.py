"""Changing the password, and resetting a lost one by an emailed link."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from accounts.auth import reauthentication
from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.auth.forms import ChangePasswordForm, NewPasswordForm, PasswordResetForm
from accounts.auth.login_methods.selectors import has_mfa
from accounts.auth.one_time_tokens import find_user_by_reset_key
from accounts.auth.passwords import services
from accounts.auth.rate_limited_emails import send_password_reset_email
from accounts.auth.requests import credential_page, get_request_user, logout_if_current
from accounts.auth.sessions.middleware import current_session
from accounts.models import User
from accounts.users import services as users
from core.api.endpoints import endpoint
from core.clock import current_time
from core.errors import Invalid, NotFound
from core.forms import form_status
from core.htmx import form_data, render_page
from core.http.client_ip import client_ip


@credential_page(mfa_exempt=True, pad_response_time={"POST"}, brute_force_limit={"POST"})
def request_reset(request: HttpRequest) -> HttpResponse:
    """Send a link. The response is the same for every address, and takes the same work."""
    form = PasswordResetForm(form_data(request))
    if request.method == "POST" and form.is_valid():
        send_password_reset_email(request, form.cleaned_data["email"])
        return redirect("account_reset_password_done")
    return render_page(request, "account/password_reset.html", {"form": form}, status=form_status(form))


@endpoint(mfa_exempt=True)
@require_safe
def reset_sent(request: HttpRequest) -> HttpResponse:
    return render_page(request, "account/password_reset_done.html", {})


@credential_page(
    "password", "key", mfa_exempt=True, hashes_password={"POST"}, brute_force_limit={"POST"}, secret_in_url=True
)
def reset_password(request: HttpRequest) -> HttpResponse:
    """Show the page of the link. Its key stays in the form, and so out of logs and sessions."""
    key = request.POST.get("key", "") or request.GET.get("key", "")
    user = find_user_by_reset_key(key)
    if user is None:
        return render_page(request, "account/password_reset_expired.html", {}, status=404)
    form = NewPasswordForm(form_data(request))
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["password"]
        try:
            services.reset_password(user=user, password=password, now=current_time(), address=client_ip(request))
        except Invalid as error:
            form.add_domain_error(error)
        except NotFound:  # a concurrent request has used the link
            return render_page(request, "account/password_reset_expired.html", {}, status=404)
        else:
            logout_if_current(request, user)
            messages.success(request, gettext("Your new password is saved."))
            return redirect("login")
    context = {"form": form, "key": key}
    return render_page(request, "account/password_reset_from_key.html", context, status=form_status(form))


@credential_page("password", "current_password", mfa_exempt=True, hashes_password={"POST"}, brute_force_limit={"POST"})
@login_required
def change_password(request: HttpRequest) -> HttpResponse:
    user = get_request_user(request)
    if not user.has_usable_password():
        return redirect("account_set_password")
    # Whoever stole the password must not be able to lock the owner out.
    if has_mfa(user) and (response := reauthentication_redirect(request, reverse("account_change_password"))):
        return response
    form = ChangePasswordForm(form_data(request))
    if request.method == "POST" and form.is_valid():
        try:
            with reauthentication.throttled_reauthentication(request, user):
                users.require_password(user, form.cleaned_data["current_password"], field="current_password")
            _save_password(request, user, form.cleaned_data["password"])
        except Invalid as error:
            form.add_domain_error(error)
        else:
            return redirect("mfa_index")
    context = {"form": form, "tab": "security"}
    return render_page(request, "account/password_change.html", context, status=form_status(form))


@credential_page("password", mfa_exempt=True, hashes_password={"POST"})
@login_required
def set_password(request: HttpRequest) -> HttpResponse:
    """Give a user of an OpenID provider their first password, which outlives the session: it needs a recent login."""
    user = get_request_user(request)
    if user.has_usable_password():
        return redirect("account_change_password")
    if response := reauthentication_redirect(request, reverse("account_set_password")):
        return response
    form = NewPasswordForm(form_data(request))
    if request.method == "POST" and form.is_valid():
        try:
            _save_password(request, user, form.cleaned_data["password"])
        except Invalid as error:
            form.add_domain_error(error)
        else:
            return redirect("mfa_index")
    return render_page(
        request, "account/password_set.html", {"form": form, "tab": "security"}, status=form_status(form)
    )


def _save_password(request: HttpRequest, user: User, password: str) -> None:
    """Change the password and keep this browser signed in."""
    session = current_session(request)
    keep, address = session.pk if session else None, client_ip(request)
    services.change_password(user=user, password=password, now=current_time(), keep=keep, address=address)
    update_session_auth_hash(request, user)
    messages.success(request, gettext("Your new password is saved."))
