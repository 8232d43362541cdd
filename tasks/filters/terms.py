"""Meaning of the single terms of a filter: each name with its values, and the condition that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db.models import Q
from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from core.api.fields import UUID_PATTERN
from core.errors import FieldError, Invalid
from tasks.custom_fields import selectors as custom_fields_selectors
from tasks.custom_fields.selectors import FieldNames
from tasks.custom_fields.values import FIELD_PREFIX
from tasks.filters import grammar, values
from tasks.filters.conditions import AllOf, AnyOf, Condition, Leaf, Negation
from tasks.filters.field_terms import custom_field_condition
from tasks.filters.syntax_tree import And, Node, Not, Or, Term, Text, Value, iter_terms
from tasks.filters.values import ONE_DAY, BadTerm, Calendar
from tasks.models import Category, FormerTaskKey, Project, Task
from tasks.models.search import MAX_SEARCH_LENGTH, validate_search
from tasks.models.task import CLOSED_CATEGORIES, PRIORITY_NAMES, TASK_KEY_PATTERN
from tasks.projects.selectors import NIL_UUID

OPEN_CATEGORIES = (Category.TODO.value, Category.IN_PROGRESS.value)
STATES = {"open": OPEN_CATEGORIES, "closed": CLOSED_CATEGORIES, **{name: (name,) for name in Category.values}}
HAS_NAMES = ("due", "start", "estimate", "assignee", "label", "parent", "subtask", "comment", "description")
MAX_NAME_LENGTH = 60
NO_WORDS = gettext_noop("There is no word to search for.")


@dataclass(frozen=True, slots=True)
class References:
    """Ids of what a filter names by handle or key, if the reader sees it."""

    me: UUID
    users: dict[str, UUID]
    projects: dict[str, UUID]
    tasks: dict[str, UUID]
    fields: FieldNames


def valid_search(words: list[Text]) -> str:
    text = " ".join(map(_query_text, words))
    try:
        validate_search(text)
        MaxLengthValidator(MAX_SEARCH_LENGTH)(text)
    except ValidationError as invalid:
        error = grammar.error(str(invalid.code), invalid.messages[0], words[0].start)
        raise Invalid(f"{grammar.FIELD}: {error.message}", fields=[error]) from invalid
    return text


def _query_text(node: Text) -> str:
    # The parts of one word are searched for in a row; quotes say that nothing similar will do.
    return f'"{"-".join(node.text.split())}"' if node.is_phrase else node.text


def load_references(user: User, node: Node) -> References:
    """Look up the handles and keys of all terms together: at most one query for each kind."""
    texts: dict[str, set[str]] = {"assignee": set(), "creator": set(), "project": set(), "parent": set()}
    of_fields: dict[str, set[str]] = {}
    for term in iter_terms(node):
        if isinstance(term, Term) and term.name in texts:
            texts[term.name] |= {value.text.replace("\x00", "") for value in term.values}
        elif isinstance(term, Term) and term.name.startswith(FIELD_PREFIX):
            key = term.name.removeprefix(FIELD_PREFIX).lower()
            of_fields.setdefault(key, set()).update(value.text.replace("\x00", "") for value in term.values)
    mentioned = {text for chosen in of_fields.values() for text in chosen if text.startswith("@")}
    people = texts["assignee"] | texts["creator"] | mentioned
    handles = {text.lstrip("@").lower() for text in people if not _is_user_id(text)}
    users = User.objects.filter(handle__in=handles).values_list("handle", "pk") if handles else ()
    keys = {text.upper()[:20] for text in texts["project"] if not UUID_PATTERN.match(text)}
    projects = Project.objects.visible_to(user).filter(key__in=keys).values_list("key", "pk") if keys else ()
    refs = {match[0]: match for text in texts["parent"] if (match := TASK_KEY_PATTERN.match(text))}
    by_key = Q(*(Q(project__key=ref[1].upper(), number=int(ref[2])) for ref in refs.values()), _connector=Q.OR)
    parents = Task.objects.visible_to(user).filter(by_key).values_list("project__key", "number", "pk") if refs else ()
    tasks = {f"{key}-{number}": task_id for key, number, task_id in parents}
    if former := [match for match in refs.values() if match[0].upper() not in tasks]:
        # Keys that tasks had in other projects.
        by_key = Q(*(Q(project_key=ref[1].upper(), number=int(ref[2])) for ref in former), _connector=Q.OR)
        rows = FormerTaskKey.objects.filter(by_key, task__in=Task.objects.visible_to(user).values("pk"))
        tasks |= {str(row): row.task_id for row in rows}
    fields = custom_fields_selectors.field_names(user, of_fields)
    return References(user.pk, {handle.lower(): pk for handle, pk in users}, dict(projects), tasks, fields)


def _is_user_id(text: str) -> bool:
    return text.lower() in {"me", "@me", "none"} or bool(UUID_PATTERN.match(text))


class Terms:
    """Conditions of the terms of one filter, for one reader. `errors` are those of terms that mean nothing."""

    def __init__(self, user: User, calendar: Calendar, references: References) -> None:
        self.user, self.calendar, self.references = user, calendar, references
        self.errors: list[FieldError] = []

    def condition(self, node: Node) -> Condition:
        match node:
            case Not(part):
                return Negation(self.condition(part))
            case And(nodes):
                return AllOf(tuple(map(self.condition, nodes)))
            case Or(nodes):
                return AnyOf(tuple(map(self.condition, nodes)))
        try:
            return self.word(node) if isinstance(node, Text) else self.term(node)
        except (BadTerm, Invalid) as bad:
            self.errors += [bad.error] if isinstance(bad, BadTerm) else bad.fields
            return AllOf(())

    def word(self, node: Text) -> Condition:
        if not any(char.isalnum() or not char.isascii() for char in node.text):
            raise BadTerm("no_words", NO_WORDS, node.start)
        return Leaf("words", valid_search([node]))

    def term(self, term: Term) -> Condition:
        if term.name.startswith(FIELD_PREFIX):
            known = self.references
            return custom_field_condition(term, known.fields, known.users, known.me, self.calendar)
        if term.name not in NAMES:
            hint = values.suggest(term.name, [*NAMES, "field."])
            message = gettext("There is no filter “%(name)s”. %(hint)s To search for this text, put it in quotes.") % {
                "name": term.name,
                "hint": hint,
            }
            raise BadTerm("unknown_name", message, term.start)
        compares, build = NAMES[term.name]
        if not compares and term.operator != ":":
            raise BadTerm("operator", gettext("“%(name)s” takes a colon and values.") % {"name": term.name}, term.start)
        return build(self, term)

    def categories(self, term: Term) -> Condition:
        chosen = {name for state in values.choices(term, list(STATES)) for name in STATES[state]}
        return Leaf("category", tuple(name for name in Category.values if name in chosen))

    def names(self, kind: str, term: Term) -> Condition:
        for value in term.values:
            if len(value.text) > MAX_NAME_LENGTH or not value.text:
                raise BadTerm(
                    "too_long",
                    gettext("A name has 1 to %(max_name_length)s characters.") % {"max_name_length": MAX_NAME_LENGTH},
                    value.start,
                )
        return Leaf(kind, tuple(value.text for value in term.values))

    def priorities(self, term: Term) -> Condition:
        numbers = [PRIORITY_NAMES.index(name) for name in values.choices(term, PRIORITY_NAMES)]
        by_text = dict(zip((value.text for value in term.values), numbers, strict=True))
        chosen: set[int] = set()
        for first, end in values.intervals(term, lambda value: (by_text[value.text], by_text[value.text] + 1)):
            chosen |= set(range(first or 0, len(PRIORITY_NAMES) if end is None else end))
        return Leaf("priority", tuple(sorted(chosen)))

    def users(self, kind: str, term: Term) -> Condition:
        ids, with_none = [], False
        for value in term.values:
            text = value.text.lower()
            if text == "none" and kind == "assignee":
                with_none = True
            elif text in {"me", "@me"}:
                ids.append(self.references.me)
            elif UUID_PATTERN.match(text):
                ids.append(UUID(text))
            else:
                # An unknown handle matches nothing, so that no answer tells of users.
                ids.append(self.references.users.get(text.lstrip("@"), NIL_UUID))
        chosen = Leaf(kind, tuple(dict.fromkeys(ids)))
        if not with_none:
            return chosen
        unassigned = Negation(Leaf("has_assignee", None))
        return AnyOf((chosen, unassigned)) if ids else unassigned

    def projects(self, term: Term) -> Condition:
        known = self.references.projects
        texts = [value.text for value in term.values]
        ids = [UUID(text) if UUID_PATTERN.match(text) else known.get(text.upper(), NIL_UUID) for text in texts]
        return Leaf("project", tuple(dict.fromkeys(ids)))

    def parents(self, term: Term) -> Condition:
        ids = []
        for value in term.values:
            if UUID_PATTERN.match(value.text):
                ids.append(UUID(value.text))
            elif TASK_KEY_PATTERN.match(value.text):
                ids.append(self.references.tasks.get(value.text.upper(), NIL_UUID))
            elif value.text.lower() != "none" or len(term.values) > 1:
                message = gettext("“%(text)s” is no task. Write a key like OPS-42, or “none” alone.") % {
                    "text": value.text
                }
                raise BadTerm("invalid_task", message, value.start)
        return Leaf("parent", tuple(dict.fromkeys(ids))) if ids else Negation(Leaf("has_parent", None))

    def days(self, kind: str, term: Term) -> Condition:
        def interval(value: Value) -> tuple[Any, Any]:
            day = values.parse_day(value, self.calendar)
            return day, day + ONE_DAY

        if is_none(term):
            return Negation(Leaf(f"has_{kind}", None))
        bounds = values.intervals(term, interval)
        if kind == "due":  # its bounds are days, both included
            bounds = [(first, end and end - ONE_DAY) for first, end in bounds]
        return _any_of(kind, bounds)

    def moments(self, kind: str, term: Term) -> Condition:
        return _any_of(kind, values.intervals(term, lambda value: values.parse_moment(value, self.calendar)))

    def estimates(self, term: Term) -> Condition:
        def interval(value: Value) -> tuple[int, int]:
            number = values.parse_number(value)
            return number, number + 1

        return (
            Negation(Leaf("has_estimate", None))
            if is_none(term)
            else _any_of("estimate", values.intervals(term, interval))
        )

    def has(self, term: Term) -> Condition:
        names = values.choices(term, HAS_NAMES)
        return _any_of_parts([Leaf(f"has_{name}", None) for name in names])

    def flags(self, term: Term) -> Condition:
        return _any_of_parts([FLAGS[name] for name in values.choices(term, list(FLAGS))])


def is_none(term: Term) -> bool:
    return term.operator == ":" and [value.text.lower() for value in term.values] == ["none"]


def _any_of(kind: str, bounds: Iterable[Any]) -> Condition:
    return _any_of_parts([Leaf(kind, pair) for pair in bounds])


def _any_of_parts(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


FLAGS: dict[str, Condition] = {
    "open": Leaf("category", OPEN_CATEGORIES),
    "closed": Leaf("category", CLOSED_CATEGORIES),
    "overdue": Leaf("overdue", None),
    "archived": Leaf("archived", None),
}
Build = Callable[[Terms, Term], Condition]
# By name: whether it takes comparisons and ranges, and its condition.
NAMES: dict[str, tuple[bool, Build]] = {
    "state": (False, Terms.categories),
    "status": (False, lambda terms, term: terms.names("status", term)),
    "priority": (True, Terms.priorities),
    "assignee": (False, lambda terms, term: terms.users("assignee", term)),
    "creator": (False, lambda terms, term: terms.users("creator", term)),
    "label": (False, lambda terms, term: terms.names("label", term)),
    "project": (False, Terms.projects),
    "parent": (False, Terms.parents),
    "due": (True, lambda terms, term: terms.days("due", term)),
    "start": (True, lambda terms, term: terms.days("start", term)),
    "created": (True, lambda terms, term: terms.moments("created", term)),
    "updated": (True, lambda terms, term: terms.moments("updated", term)),
    "closed": (True, lambda terms, term: terms.moments("closed", term)),
    "estimate": (True, Terms.estimates),
    "has": (False, Terms.has),
    "is": (False, Terms.flags),
}
