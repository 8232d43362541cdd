"""Settings page of the notification preferences."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from accounts.auth.requests import get_request_user
from accounts.users import services as users
from core.forms import form_status
from core.htmx import form_data, render_page
from notifications.preferences import selectors, services
from notifications.preferences.forms import PreferencesForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_preferences(request: HttpRequest) -> HttpResponse:
    user = get_request_user(request)
    form = PreferencesForm(form_data(request), matrix=selectors.get_preferences(user), reminder_time=user.reminder_time)
    if request.method == "POST" and form.is_valid():
        services.set_preferences(actor=user, changes=form.changes())
        if reminder_time := form.cleaned_data["reminder_time"]:
            users.update_profile(actor=user, changes={"reminder_time": reminder_time})
        messages.success(request, gettext("Notification preferences saved."))
        return redirect("settings-notifications")
    return render_page(
        request, "notifications/preferences.html", {"form": form, "tab": "notifications"}, status=form_status(form)
    )
