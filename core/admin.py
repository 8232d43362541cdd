"""Base classes of the admin: bounded counts, and changes through services only."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import DataError, transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.errors import DomainError
from core.forms import DomainErrorMixin
from core.models import IdempotencyRecord
from core.text import normalize

# An exact count of a million rows takes longer than everything else on the page.
MAX_COUNT = 10_000
# What the links of Django's list filters ask for.
FILTER_LOOKUPS = {"exact", "in", "isnull", "isempty", "gte", "lt"}


class BoundedPaginator(Paginator):
    """Counts at most MAX_COUNT rows. A changelist costs the same over a million rows."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if not hasattr(rows, "order_by"):
            return len(rows)
        # The LIMIT is inside the counted subquery, so PostgreSQL stops counting there.
        return int(rows.order_by().values("pk")[:MAX_COUNT].count())


class BaseAdmin(admin.ModelAdmin):
    paginator = BoundedPaginator
    # It would count the whole table a second time, only to show a number beside the filter.
    show_full_result_count = False
    list_per_page = 50

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the changelist. A filter value that no column can hold is handled like any other wrong one."""
        # PostgreSQL text cannot hold a NUL, and psycopg refuses it before any query is sent.
        if any("\x00" in value for values in request.GET.lists() for value in values[1]):
            return redirect(f"{request.path}?{ERROR_FLAG}=1")
        try:
            response: HttpResponse = super().changelist_view(request, extra_context)
        except (DataError, OverflowError, ValueError):
            return redirect(f"{request.path}?{ERROR_FLAG}=1")
        return response

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the lookups of the list's own filters only. Django allows any on a model's own fields.

        Others, like `password__regex`, would tell the content of a column that no page shows.
        """
        name, _, transform = lookup.rpartition("__")
        filters = self.list_filter if request is None else self.get_list_filter(request)
        for item in filters:
            if isinstance(item, type):
                if lookup == getattr(item, "parameter_name", None):
                    return True
            elif (item[0] if isinstance(item, tuple) else item) in {lookup, name}:
                return lookup == item or transform in FILTER_LOOKUPS
        return False

    def each(self, request: HttpRequest, rows: Any, service: Any, done: str) -> None:
        """Call a service for each selected row, and report successes and errors. For admin actions."""
        count = 0
        for row in rows:
            try:
                service(row)
                count += 1
            except DomainError as error:
                self.message_user(request, f"{row}: {_error_message(error)}", messages.ERROR)
        if count:
            self.message_user(request, f"{count} {done}.", messages.SUCCESS)


class ReadOnlyAdmin(BaseAdmin):
    """Admin of rows that only the application writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def json_lines(value: Any, path: str = "") -> SafeString:
    """Return a JSON value for a page of the admin, one line per leaf: `task.key: OPS-1`."""
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return format_html_join(
            "", "{}", ((json_lines(item, f"{path}.{key}" if path else str(key)),) for key, item in items)
        )
    return format_html("{}: {}<br>", path, value) if path else format_html("{}", "-")


class ServiceForm(DomainErrorMixin, forms.ModelForm):
    """A form that calls a service as its last step of validation: domain errors become the form's errors.

    `write` calls the service and returns the row. Of the model's own cleaning only the fields' validators remain; the
    rules stand in the service and in the database's constraints.
    """

    actor: ClassVar[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.CharField) and isinstance(field.widget, forms.Textarea):
                field.strip = False  # as on the pages: a save without a change keeps every character

    def _post_clean(self) -> None:
        for name, value in self.cleaned_data.items():
            if isinstance(value, str) and not isinstance(self.fields[name].widget, forms.PasswordInput):
                self.cleaned_data[name] = normalize(value)
        # The validators of the model's fields, which the form's fields do not have.
        for field in self._meta.model._meta.concrete_fields:
            if field.name in self.cleaned_data and field.name not in self.declared_fields:
                try:
                    field.run_validators(self.cleaned_data[field.name])
                except ValidationError as error:
                    self.add_error(field.name, error)
        if self.errors:
            return
        try:
            # A savepoint: the admin has a transaction open, which must stay usable when the service refuses.
            with transaction.atomic():
                self.instance = self.write(self.cleaned_data)
        except DomainError as error:
            self.add_domain_error(error)

    def write(self, data: dict[str, Any]) -> Model:
        """Call the service with the cleaned data and return the row."""
        raise NotImplementedError  # abstract: each form names its service


class ServiceAdmin(BaseAdmin):
    """Admin of rows that are written through services."""

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        # A class for each request, because the actor belongs to the request.
        return type(form.__name__, (form,), {"actor": request.user})

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Do nothing: the form has called the service."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Do nothing: the form has called the service."""

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the actions without bulk deletion: rows are deleted one at a time, by their service."""
        actions = super().get_actions(request)
        # It deletes by queryset: no service, no event, no check of a version.
        actions.pop("delete_selected", None)
        return actions

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return the rows only. The service decides what is deleted with them, not permissions of related rows."""
        return [str(obj) for obj in objs], {self.opts.verbose_name: len(objs)}, set(), []

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except DomainError as error:
            return self.error_response(request, error, object_id)

    def error_response(self, request: HttpRequest, error: DomainError, object_id: str) -> HttpResponse:
        """Redirect to the page of the row, which shows the error."""
        self.message_user(request, _error_message(error), messages.ERROR)
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[object_id])
        )


def _error_message(error: DomainError) -> str:
    return error.message


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    list_display = ("id", "key", "user_id", "status", "created_at")
    search_fields = ("=key", "=user_id")
    fields = ("key", "user_id", "status", "response_headers", "created_at")
    ordering = ("-id",)

    @admin.display
    def response_headers(self, record: IdempotencyRecord) -> str:
        return json_lines(record.headers)
