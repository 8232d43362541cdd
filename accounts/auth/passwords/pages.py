"""Changing a password, and choosing another one when it is lost."""

from __future__ import annotations

from typing import Any

from allauth.account import views as allauth
from allauth.account.forms import UserTokenForm
from allauth.account.internal.flows.password_reset import finalize_password_reset
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.auth.allauth.account_adapter import logout_if_current
from accounts.auth.allauth.forms import NewPasswordForm
from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.auth.rate_limits import check_rate
from accounts.models import User
from core.api.endpoints import endpoint
from core.errors import Invalid, NotFound
from core.forms import form_status
from core.htmx import form_data, render_page
from core.http.client_ip import client_ip


class PasswordResetRequestView(allauth.PasswordResetView):
    mfa_exempt = True
    pad_response_time = {"POST"}
    brute_force_limit = {"POST"}

    def form_valid(self, form: Any) -> HttpResponse:
        """Says the same of every address, and takes the same work: there is a mail for either."""
        check_rate(self.request, "reset-address", client_ip(self.request), settings.LOGIN_RATE_PER_ADDRESS)
        check_rate(self.request, "email-link", form.cleaned_data["email"], settings.EMAIL_LINK_RATE)
        answer: HttpResponse = super().form_valid(form)
        return answer


@endpoint(mfa_exempt=True, brute_force_limit={"POST"}, secret_in_url=True)
@never_cache
@sensitive_post_parameters("password1", "key")
@require_http_methods(["GET", "HEAD", "POST"])
def reset_password(request: HttpRequest) -> HttpResponse:
    """The page of the link in the mail. Its key stays in the form: neither the log nor a session gets to see it."""
    key = request.POST.get("key", "") or request.GET.get("key", "")
    user = _user_from_reset_key(key)
    if user is None:
        return render_page(request, "account/password_reset_expired.html", {}, status=404)
    form = NewPasswordForm(form_data(request), user=user)
    if request.method == "POST" and form.is_valid():
        try:
            logout_if_current(request, user)
            form.save()
        except Invalid as error:
            form.add_error("password1", error.detail)
        except NotFound:  # somebody else has used the link at the same moment
            return render_page(request, "account/password_reset_expired.html", {}, status=404)
        else:
            finalize_password_reset(request, user)
            return redirect("login")
    return render_page(
        request, "account/password_reset_from_key.html", {"form": form, "key": key}, status=form_status(form)
    )


def _user_from_reset_key(key: str) -> User | None:
    uid, _, token = key.partition("-")
    form = UserTokenForm(data={"uidb36": uid, "key": token})
    user: User | None = form.reset_user if form.is_valid() else None
    return user if user and user.is_active else None


@method_decorator(never_cache, name="dispatch")
class PasswordChangeView(allauth.PasswordChangeView):
    mfa_exempt = True

    def get_default_success_url(self) -> str:
        return reverse("mfa_index")


@method_decorator(never_cache, name="dispatch")
class PasswordSetView(allauth.PasswordSetView):
    mfa_exempt = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A password outlives the session, so whoever gives themselves one proves first that it is they."""
        door = reauthentication_redirect(request, reverse("account_set_password"))
        answer: HttpResponse = door or super().dispatch(request, *args, **kwargs)
        return answer

    def get_default_success_url(self) -> str:
        return reverse("mfa_index")
