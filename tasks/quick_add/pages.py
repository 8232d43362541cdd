"""Page and preview of quick add; the form in the frame of all pages posts here too."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from accounts.auth.requests import get_request_user
from core.api.endpoints import endpoint
from core.clock import current_time
from core.errors import Invalid
from core.forms import form_status
from core.htmx import form_data, render_page, safe_redirect_url
from tasks.quick_add import services
from tasks.quick_add.forms import QuickAddForm
from tasks.quick_add.interpretation import interpret
from tasks.undo.tokens import add_undo_message


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def quick_add(request: HttpRequest) -> HttpResponse:
    """Create a task from one line of text; a text that makes none is shown again."""
    user = get_request_user(request)
    form = QuickAddForm(form_data(request), initial={"project": request.GET.get("project", "")})
    if request.method == "POST" and form.is_valid():
        try:
            task = services.create(actor=user, now=current_time(), **form.cleaned_data)
        except Invalid as error:
            form.add_domain_error(error)
        else:
            url = reverse("task-detail", args=[task.key])
            add_undo_message(request, format_html('<a href="{}">{}</a> created.', url, task.key))
            # Several tasks are written one after another, on the page where one is.
            return HttpResponseRedirect(safe_redirect_url(request, request.POST.get("next", ""), url))
    return render_page(request, "tasks/quick_add.html", {"form": form}, status=form_status(form))


# A preview is no write: the key of its form is that of the task to be created.
@endpoint(idempotent=False)
@login_required
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Show what a text means; htmx gets the chips alone."""
    form = QuickAddForm(form_data(request))
    context = {"form": form, "meaning": None}
    if form.is_valid():
        context["meaning"] = interpret(user=get_request_user(request), now=current_time(), **form.cleaned_data)
    fragments = dict.fromkeys(("quick-preview", "add-preview"), "tasks/_quick_preview.html")
    return render_page(request, "tasks/quick_add.html", context, fragments=fragments)
