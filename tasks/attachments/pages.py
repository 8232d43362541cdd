"""Pages of attachments: the panel of a task, a preview, the download."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.auth.requests import get_request_user
from core.api.endpoints import BodyLimit, endpoint
from core.clock import current_time
from core.errors import Conflict, DomainError, Invalid
from core.htmx import render_page
from tasks.attachments import selectors, services
from tasks.attachments.errors import FileRefused
from tasks.attachments.responses import content_response, thumbnail_response
from tasks.items import selectors as items_selectors
from tasks.items.task_page import FRAGMENTS, task_context
from tasks.models import Attachment
from tasks.undo.tokens import add_undo_message

# A form without JavaScript sends all chosen files at once.
MAX_FILES = 20


@endpoint(max_body_size=BodyLimit.ATTACHMENT)
@login_required
@require_POST
def add_attachments(request: HttpRequest, key: str) -> HttpResponse:
    """Attach the files of the form, each for itself; the page shows why others were refused."""
    reader = get_request_user(request)
    task = items_selectors.get_task(reader, key)
    uploads = request.FILES.getlist("file")
    errors: list[DomainError] = []
    if not uploads:
        errors.append(Invalid(gettext("Choose a file first.")))
    if len(uploads) > MAX_FILES:
        errors.append(Invalid(gettext("Send at most %(max_files)s files at once.") % {"max_files": MAX_FILES}))
    else:
        for upload in uploads:
            try:
                services.add(actor=reader, ref=str(task.pk), upload=upload, now=current_time())
            except (Conflict, FileRefused) as error:
                errors.append(error)
    if not errors:
        return redirect(f"{reverse('task-detail', args=[task.key])}#attachments")
    context = task_context(reader, task) | {"attachment_errors": [error.detail for error in errors]}
    return render_page(request, "tasks/task_detail.html", context, fragments=FRAGMENTS, status=422)


@login_required
@require_safe
def attachment_detail(request: HttpRequest, key: str, attachment_id: UUID) -> HttpResponse:
    """Show a file: the text of a text file, the thumbnail of an image, and the link to download it."""
    reader = get_request_user(request)
    attachment = _get(request, key, attachment_id)
    text, is_cut = selectors.read_preview(attachment.file)
    context = {
        "task": attachment.task,
        "attachment": attachment,
        "text": text,
        "is_cut": is_cut,
        "can_delete": selectors.can_delete(reader, attachment),
    }
    return render_page(request, "tasks/attachment.html", context)


@endpoint(long_running=True)
@login_required
@require_safe
def download(request: HttpRequest, key: str, attachment_id: UUID) -> HttpResponseBase:
    return content_response(request, _get(request, key, attachment_id))


@login_required
@require_safe
def thumbnail(request: HttpRequest, key: str, attachment_id: UUID) -> HttpResponseBase:
    return thumbnail_response(_get(request, key, attachment_id))


@login_required
@require_POST
def delete_attachment(request: HttpRequest, key: str, attachment_id: UUID) -> HttpResponse:
    services.delete(actor=get_request_user(request), ref=key, attachment_id=attachment_id, now=current_time())
    add_undo_message(request, gettext("Attachment deleted."))
    return redirect(f"{reverse('task-detail', args=[key])}#attachments")


def _get(request: HttpRequest, key: str, attachment_id: UUID) -> Attachment:
    task = items_selectors.get_task(get_request_user(request), key)
    attachment = selectors.get_attachment(task, attachment_id)
    attachment.task = task
    return attachment
