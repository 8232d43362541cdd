"""Read-only admin of notifications, emails and preferences."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin
from core.db import database_now
from notifications import jobs
from notifications.email import services as email_services
from notifications.kinds import AccountEmailKind
from notifications.models import Notification, OutgoingEmail, Preference
from tasks.models import Project


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("title", "recipient", "kind", "task_key", "in_inbox", "created_at", "read_at")
    list_filter = ("kind", "in_inbox")
    list_select_related = ("recipient",)
    search_fields = ("=task_key", "=recipient__email", "=event_id")
    ordering = ("-created_at", "-id")
    exclude = ("task_title", "body")
    readonly_fields = ("private_task_title", "private_body")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        inboxes = Project.objects.filter(pk=OuterRef("project_id"), is_inbox=True)
        return super().get_queryset(request).annotate(is_private=Exists(inboxes))

    # Texts of a personal inbox are not shown to administrators.
    @admin.display(description="task title")
    def private_task_title(self, notification: Notification) -> str:
        return "(private)" if getattr(notification, "is_private", True) else notification.task_title

    @admin.display(description="body")
    def private_body(self, notification: Notification) -> str:
        return "(private)" if getattr(notification, "is_private", True) else notification.body


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(ReadOnlyAdmin):
    list_display = ("to", "kind_label", "task", "state", "attempts", "next_attempt_at", "sent_at", "last_error")
    list_filter = ("state", "kind", "notification__kind")
    list_select_related = ("notification",)
    search_fields = ("=to", "=message_id", "=notification__task_key")
    ordering = ("-id",)
    actions = ("requeue",)
    # Ciphertext says nothing, and a link in it would let an administrator act as the user.
    exclude = ("encrypted_payload",)

    @admin.display(description="kind", ordering="notification__kind")
    def kind_label(self, email: OutgoingEmail) -> str:
        """Return the kind of the notification, or of the account email."""
        if email.notification:
            return email.notification.get_kind_display()
        # A newer release may have stored a kind that is unknown here.
        return str(dict(AccountEmailKind.choices).get(email.kind, email.kind))

    @admin.display(ordering="notification__task_key")
    def task(self, email: OutgoingEmail) -> str:
        return email.notification.task_key if email.notification else ""

    @admin.action(description="Retry failed emails")
    def requeue(self, request: HttpRequest, queryset: QuerySet[OutgoingEmail]) -> None:
        """Queue the selected emails again, and start their jobs; only failed ones are queued."""
        # enqueue_emails after the service's transaction: a worker must find the rows.
        queued = email_services.requeue(email_ids=queryset.values_list("pk", flat=True), now=database_now())
        jobs.enqueue_emails(queued)
        self.message_user(request, f"{len(queued)} failed emails will be sent again.")


@admin.register(Preference)
class PreferenceAdmin(ReadOnlyAdmin):
    list_display = ("user", "kind", "channel", "enabled")
    list_filter = ("kind", "channel", "enabled")
    list_select_related = ("user",)
    search_fields = ("=user__email",)
    ordering = ("user", "kind", "channel")
