"""Forms of pages, which show the domain errors of services as their own."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import flatatt, pretty_name
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from core.errors import Conflict, DomainError, Invalid
from core.text import is_blank, normalize
from core.validators import validate_email_address, validate_no_control_characters, validate_single_line

T = TypeVar("T")
TEXT_INPUT_TYPES = {"text", "search"}


class Select(forms.Select):
    """A drop-down that writes its options itself. Django renders a template for each of hundreds."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        context = forms.Widget.get_context(self, name, value, attrs)["widget"]
        chosen = set(context["value"])
        options = []
        for key, label in self.choices:
            if isinstance(label, list | tuple):  # a group of options
                return super().render(name, value, attrs, renderer)
            text = "" if key is None else str(key)
            selected = " selected" if text in chosen else ""
            options.append(f'<option value="{escape(text)}"{selected}>{escape(str(label))}</option>')
        attributes = flatatt(context["attrs"])
        return mark_safe(f'<select name="{escape(context["name"])}"{attributes}>{"".join(options)}</select>')  # noqa: S308 (all escaped)


class TextField(forms.CharField):
    """Text that people write, in normal form C and with LF as its line ends. Invisible text is blank."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return normalize(text) if text else text

    def validate(self, value: Any) -> None:
        super().validate(value)
        if self.required and is_blank(value):
            raise forms.ValidationError(self.error_messages["required"], code="required")


class MarkdownField(TextField):
    """Markdown, in which spaces at the beginning have a meaning; a save without a change keeps every character."""

    def __init__(self, *, rows: int, **options: Any) -> None:
        super().__init__(strip=False, widget=forms.Textarea(attrs={"rows": rows}), **options)


class TitleField(TextField):
    """A title: text of one line."""

    default_validators = [validate_no_control_characters]

    def to_python(self, value: Any) -> str:
        return super().to_python(value).replace("\n", " ")


class SingleLineField(TextField):
    """One line of visible text, like a name."""

    default_validators = [validate_single_line]


class EmailField(forms.EmailField):
    """An email address, see `validate_email_address`."""

    default_validators = [validate_email_address]

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": 254, **options})


class DomainErrorMixin:
    """Shows the domain errors of a service as errors of the form.

    `field_aliases` names the fields that stand for others of the service.
    """

    fields: Any
    add_error: Any
    field_aliases: ClassVar[dict[str, str]] = {}

    def add_domain_error(self, error: DomainError) -> None:
        """Show a domain error beside its fields, or above the form if it names none."""
        for item in error.fields:
            field = self.field_aliases.get(item.field, item.field)
            place = (
                ""
                if item.position is None
                else gettext("At character %(position)s: ") % {"position": item.position + 1}
            )
            self.add_error(field if field in self.fields else None, f"{place}{item.message}")
        if not error.fields:
            self.add_error(None, error.detail)


class PageForm(DomainErrorMixin, forms.Form):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, field in self.fields.items():
            # Also what Django makes of a field's name.
            field.label = gettext(pretty_name(name)) if field.label is None else field.label
            if type(field.widget) is forms.Select:
                field.widget.__class__ = Select
            if isinstance(field.widget, forms.Textarea) or getattr(field.widget, "input_type", "") in TEXT_INPUT_TYPES:
                # Arabic and Hebrew are typed from right to left.
                field.widget.attrs.setdefault("dir", "auto")

    def submit(self, service: Callable[[dict[str, Any]], T]) -> T | None:
        """Call a service with the cleaned data, and return its result.

        Returns None for a form that was not sent, or that has errors: its own, or those that the service raised.
        """
        if not self.is_valid():
            return None
        try:
            return service(self.cleaned_data)
        except (Invalid, Conflict) as error:
            self.add_domain_error(error)
            return None


def show_initial(form: forms.Form) -> None:
    """Render every field with its initial value, so that only changed fields are saved."""
    for field in form.fields.values():
        field.show_hidden_initial = True


def changed_values(form: forms.Form) -> dict[str, Any]:
    """Return the values of changed fields and of those sent without an initial value."""
    return {
        name: value
        for name, value in form.cleaned_data.items()
        if name in form.changed_data or form[name].html_initial_name not in form.data
    }


def initial_values(form: forms.Form) -> dict[str, Any]:
    """Return the initial values that were sent with a form, as Python values; None for a malformed one."""
    values = {}
    for name, field in form.fields.items():
        text = field.hidden_widget().value_from_datadict(form.data, form.files, form[name].html_initial_name)
        try:
            values[name] = field.to_python(text)
        except ValidationError:  # altered by hand: it differs from every present value
            values[name] = None
    return values


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID of a query string; None for anything else."""
    try:
        return UUID(text)
    except ValueError:
        return None


def form_status(form: Any) -> int:
    """Return the status of the page that shows this form: 422 if it was submitted with errors."""
    # 422, because htmx and browsers must tell a rejected form from a saved one, and 200 means saved.
    return 422 if form.is_bound and form.errors else 200


def expected_version(request: HttpRequest) -> frozenset[int] | None:
    """Return the version the form was rendered with; None, which accepts any, if it has none."""
    version = request.POST.get("version", "")
    # isascii, because isdecimal alone accepts digits of other scripts.
    return frozenset({int(version)}) if version.isascii() and version.isdecimal() and len(version) < 10 else None
