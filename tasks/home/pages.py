"""Settings of task pages: which one opens first, and the columns of task lists."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.auth.requests import get_request_user
from accounts.users import services as users
from core.errors import Invalid
from core.forms import form_status
from core.htmx import form_data, render_page, safe_redirect_url
from tasks.filters.columns import validate_columns
from tasks.home import selectors
from tasks.home.forms import HomeForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def home_settings(request: HttpRequest) -> HttpResponse:
    """Show and save which page opens first."""
    user = get_request_user(request)
    form = HomeForm(form_data(request), choices=selectors.home_choices(user), initial={"home": user.home})
    if form.submit(lambda data: users.update_profile(actor=user, changes=data)):
        messages.success(request, _("First page saved."))
        return redirect("settings-home")
    return render_page(request, "tasks/home_settings.html", {"form": form, "tab": "home"}, status=form_status(form))


@login_required
@require_POST
def set_columns(request: HttpRequest) -> HttpResponse:
    """Save the columns of the user's task lists; none restores the usual ones."""
    names = [name for name in request.POST.get("columns", "").split(",") if name]
    try:
        users.update_profile(actor=get_request_user(request), changes={"list_columns": validate_columns(names)})
        messages.success(request, _("Columns saved for all your lists.") if names else _("Usual columns restored."))
    except Invalid as error:
        messages.error(request, error.detail)
    return HttpResponseRedirect(safe_redirect_url(request, request.POST.get("next", ""), reverse("task-list")))
