"""Expressions of the search functions that migration 0005 defines: folded text, stored vectors, queries."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, TextField, UUIDField, Value
from django.db.models.functions import Coalesce

from core.sql_templates import EqualsAny
from tasks.models.search_terms import candidate_ids

# Each word is a scan of the index.
MAX_WORDS = 20
MAX_SEARCH_LENGTH = 200
MAX_SIMILAR = 500
# Shorter words are like a large part of all titles.
SIMILAR_PATTERN = re.compile(r"[^\W\d_]{3}")


def validate_search(text: str) -> None:
    """Check that a search has at most MAX_WORDS words. Raises ValidationError."""
    if len(text.split()) > MAX_WORDS:
        raise ValidationError(f"Search for at most {MAX_WORDS} words.", code="too_many_words")


def fold(name: str) -> Func:
    """Return a text without case, accents and width: the key by which titles are sorted and compared."""
    return Func(F(name), function="taskflow_fold", output_field=TextField())


def search_vector(*names: str) -> Func:
    """Return the tokens of these texts, one after the other."""
    text: Any = F(names[0])
    for name in names[1:]:
        text = Func(
            text, Value("\n"), F(name), template="(%(expressions)s)", arg_joiner=" || ", output_field=TextField()
        )
    functions = ("taskflow_ascii_search_vector", "taskflow_unicode_search_vector")
    return Coalesce(*(Func(text, function=name, output_field=SearchVectorField()) for name in functions))


def search_query(text: str, *, transposed: bool = False) -> Func:
    return Func(Value(text), Value(transposed), function="taskflow_search_query", output_field=SearchQueryField())


class Matches(Func):
    """Whether a search vector matches a query (`@@`)."""

    template = "%(expressions)s"
    arg_joiner = " @@ "
    output_field = BooleanField()


def search_rows(rows: Any, tasks: Any, comments: Any, text: str, candidates: list[Any] | None = None) -> Any:
    """Return the rows that match a text; if none do, some that nearly match.

    `rows` are those that a reader sees, `tasks` and `comments` all there are;
    `candidates` are those of `candidate_ids`, if they are known.
    """
    ids = candidate_ids(tasks, comments, text) if candidates is None else candidates
    if ids is None:
        return rows.filter(is_match(comments, text))
    matching = _with_ids(rows, ids)
    # Not the number of candidates decides: it would tell of tasks that the reader does not see.
    # Quotes ask for exactly these words.
    if '"' in text or not SIMILAR_PATTERN.search(text) or (ids and matching.exists()):
        return matching
    return _with_ids(rows, similar_ids(rows, text))


def _with_ids(rows: Any, ids: list[Any]) -> Any:
    return rows.filter(EqualsAny("pk", Value(ids, output_field=ArrayField(UUIDField()))))


def is_match(comments: Any, text: str) -> Q:
    """Return the condition that a task is a candidate.

    It is for a walk through a list in its order, which soon meets some.
    """
    # As a subquery, so that it is evaluated once.
    matches = Matches("search", Func(search_query(text), template="(SELECT %(expressions)s)"))
    # As an array: to an equality PostgreSQL would answer by reading the comments of all tasks at once.
    own = Matches("task", Func(OuterRef("pk"), template="ANY(ARRAY[%(expressions)s])"), arg_joiner=" = ")
    return Q(matches) | Q(Exists(comments.filter(matches, own)))


def similar_ids(tasks: Any, text: str) -> list[Any]:
    """Return the ids of some of these tasks that nearly match.

    Two letters of a word are transposed, or the title is like the text.
    """
    transposed = tasks.filter(Matches("search", search_query(text, transposed=True)))
    similar = tasks.filter(title_key__trigram_word_similar=Func(Value(text), function="taskflow_fold"))
    both = transposed.values("pk")[:MAX_SIMILAR].union(similar.values("pk")[:MAX_SIMILAR], all=True)
    return [row["pk"] for row in both]
