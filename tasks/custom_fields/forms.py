"""Forms of custom fields: a typed input for each value, and the definition of a field."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext, gettext_lazy

from accounts.models import User
from core.forms import PageForm, SingleLineField, TextField, changed_values, initial_values, show_initial
from tasks.custom_fields.values import TaskField, canonical_number
from tasks.models import CustomField, CustomFieldOption, FieldKind
from tasks.models.custom_field import MAX_TEXT_LENGTH


class NumberField(forms.DecimalField):
    """A number with any number of digits: the service knows the limit, and names it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.NumberInput(attrs={"step": "any"}), **options)


def _input(task_field: TaskField, people: Sequence[User]) -> forms.Field:
    """Return the form field of a custom field's kind."""
    field = task_field.field
    options: dict[str, Any] = {"label": field.name, "help_text": field.description, "required": False}
    kind = FieldKind(field.kind)
    if kind == FieldKind.NUMBER:
        return NumberField(**options)
    if kind == FieldKind.DATE:
        return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options)
    if kind == FieldKind.CHECKBOX:
        return forms.BooleanField(**options)
    if kind == FieldKind.MULTI_SELECT:
        choices = [(option.slug, option.name) for option in task_field.options]
        return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **options)
    if kind == FieldKind.SELECT:
        choices = [("", gettext("None")), *((option.slug, option.name) for option in task_field.options)]
        return forms.ChoiceField(choices=choices, **options)
    if kind == FieldKind.USER:
        choices = [("", gettext("Not set")), *((str(user.pk), user.name) for user in people)]
        # Who has left the project stays until somebody else is chosen.
        if task_field.value and task_field.value not in dict(choices):
            choices.append((task_field.value, task_field.user_name))
        return forms.ChoiceField(choices=choices, **options)
    if kind == FieldKind.URL:
        widget: Any = forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"})
        return forms.CharField(max_length=MAX_TEXT_LENGTH, widget=widget, **options)
    return TextField(max_length=MAX_TEXT_LENGTH, widget=forms.Textarea(attrs={"rows": 2}), **options)


class ValuesForm(PageForm):
    """Values of a task in custom fields. Each carries its initial value, so that only changed ones are saved."""

    prefix = "fields"

    def __init__(
        self, *args: Any, task_fields: Sequence[TaskField], people: Sequence[User], new: bool = False, **options: Any
    ) -> None:
        self.base_fields = {item.field.key: _input(item, people) for item in task_fields}  # type: ignore[misc]
        initial = {item.field.key: item.field.default if new else item.value for item in task_fields}
        super().__init__(*args, initial=initial, **options)
        self.kinds = {item.field.key: item.field.kind for item in task_fields}
        self.field_aliases = {f"fields.{key}": key for key in self.fields}  # type: ignore[misc]
        for item in task_fields:
            # A mark for people; the rule is the service's.
            if item.field.required:
                self.fields[item.field.key].label = f"{item.field.name} *"
        if not new:
            show_initial(self)

    def values(self) -> dict[str, Any]:
        """Return all values, as `items.services.create` takes them; empty ones are left out."""
        values = {key: to_json(value) for key, value in self.cleaned_data.items()}
        return {key: value for key, value in values.items() if value is not None}

    def changes(self) -> dict[str, Any]:
        """Return the changed values, as `custom_fields.services.update_values` takes them."""
        return {key: to_json(value) for key, value in changed_values(self).items()}

    def initial_changes(self) -> dict[str, Any]:
        """Return the values as they were when the form was rendered, like `changes`."""
        return {key: to_json(value) for key, value in initial_values(self).items()}


def to_json(value: Any) -> Any:
    """Return what an input holds as the API writes a value."""
    if isinstance(value, Decimal):
        try:
            return canonical_number(value)
        except ValueError:
            return value  # the service refuses it, and names the limit
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return None if value in ("", []) else value


class FieldForm(PageForm):
    """Definition of a new field."""

    name = SingleLineField(max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    kind = forms.ChoiceField(choices=FieldKind.choices)
    description = TextField(required=False, max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    options = TextField(
        required=False,
        max_length=7_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One per line, for select and multi-select fields."),
    )
    required = forms.BooleanField(required=False, help_text=gettext_lazy("New tasks need a value."))

    def definition(self) -> dict[str, Any]:
        """Return the field as `definitions.create` takes it."""
        data = self.cleaned_data
        names = [line.strip() for line in data["options"].split("\n") if line.strip()]
        return data | {"options": [{"name": name} for name in names]}


class FieldUpdateForm(PageForm):
    """Definition of an existing field, with the kinds that it can become."""

    name = SingleLineField(max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    kind = forms.ChoiceField(help_text=gettext_lazy("Only kinds that lose no value."))
    description = TextField(required=False, max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    required = forms.BooleanField(
        required=False, help_text=gettext_lazy("New tasks need a value, which cannot be cleared.")
    )

    def __init__(
        self,
        *args: Any,
        field: CustomField,
        kinds: Sequence[str],
        options: Sequence[CustomFieldOption],
        **form_options: Any,
    ) -> None:
        names = ("name", "kind", "description", "required", "default")
        super().__init__(*args, initial={name: getattr(field, name) for name in names}, **form_options)
        self.fields["kind"].choices = [(kind, FieldKind(kind).label) for kind in kinds]
        if field.kind == FieldKind.CHECKBOX:
            del self.fields["required"]
        if field.kind != FieldKind.USER:
            self.fields["default"] = _input(TaskField(field=field, options=options), ())
            self.fields["default"].label, self.fields["default"].help_text = gettext("Default of new tasks"), ""
        show_initial(self)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        return cleaned | {"default": to_json(cleaned["default"])} if "default" in cleaned else cleaned


class OptionForm(PageForm):
    """A name and a colour of an option."""

    field_aliases: ClassVar = {"options": "name"}

    name = SingleLineField(max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    colour = forms.CharField(required=False, max_length=7, widget=forms.TextInput(attrs={"type": "color"}))


class OptionDeleteForm(PageForm):
    """Choice of the option that tasks get for a deleted one."""

    replace_with = forms.ChoiceField(label=gettext_lazy("Tasks that have it get"), required=False)

    def __init__(self, *args: Any, others: Sequence[CustomFieldOption], **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [("", gettext("No option")), *((option.slug, option.name) for option in others)]
        self.fields["replace_with"].choices = choices
