"""Grammar of the filter language: text to a syntax tree with positions.

    state:open assignee:@me -label:wontfix due:@today..@today+7 "exact words" (priority>=high OR is:overdue)

A space means AND and binds tighter than OR; `-` negates the term or group after it; commas separate alternatives; quotes
hold spaces; a backslash takes the meaning from the character after it. The parser knows nothing of names and values:
those are checked in `tasks.filters.terms`.
"""

from __future__ import annotations

from typing import NoReturn

from django.utils.translation import gettext

from core.errors import FieldError, Invalid
from tasks.filters.syntax_tree import KEYWORDS, NAME_PATTERN, RANGE, And, Node, Not, Or, Term, Text, Value, conjuncts

MAX_LENGTH = 2_000
MAX_TERMS = 50
MAX_VALUES = 100
MAX_DEPTH = 10
FIELD = "filter"
# What ends a word or an unquoted value.
_BOUNDARIES = '()"'
_OPERATORS = {":": ":", "=": ":", ":=": ":"}


def error(code: str, message: str, position: int) -> FieldError:
    """Return an error of the filter at an offset of its text."""
    return FieldError(FIELD, code, message, position)


def parse(text: str) -> Node:
    """Return the syntax tree of a filter. Raises Invalid with the position of the first error."""
    if len(text) > MAX_LENGTH:
        _refuse("too_long", f"A filter has at most {MAX_LENGTH:,} characters.", MAX_LENGTH)
    parser = _Parser(text)
    if parser.at_end():
        return And(())
    node = parser.alternatives(depth=0)
    if not parser.at_end():
        _refuse("unexpected_parenthesis", gettext("This parenthesis closes nothing."), parser.position)
    return node


def _refuse(code: str, message: str, position: int) -> NoReturn:
    raise Invalid(f"{FIELD}: {message}", fields=[error(code, message, position)])


class _Parser:
    """Recursive descent over one text. Its recursion ends at MAX_DEPTH."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.term_count = self.value_count = 0

    def at_end(self) -> bool:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
        return self.position == len(self.text)

    def alternatives(self, depth: int) -> Node:
        start = self.position
        nodes = [self.all_of(depth)]
        while self.take_keyword("OR"):
            nodes.append(self.all_of(depth))
        if len(nodes) == 1:
            return nodes[0]
        flat = [part for node in nodes for part in (node.nodes if isinstance(node, Or) else (node,))]
        return Or(tuple(flat), start, self.position)

    def all_of(self, depth: int) -> Node:
        self.at_end()
        start, flat, needs_term = self.position, list[Node](), True
        while not self.at_end() and self.text[self.position] != ")" and (keyword := self.peek_keyword()) != "OR":
            if not keyword:
                flat.extend(conjuncts(self.negated(depth)))
            elif needs_term:
                break
            else:
                self.position += len(keyword)
            needs_term = bool(keyword)
        if needs_term:
            _refuse("missing_term", gettext("A condition is missing here."), self.position)
        return flat[0] if len(flat) == 1 else And(tuple(flat), start, self.position)

    def peek_keyword(self) -> str:
        for word in KEYWORDS:
            end = self.position + len(word)
            if self.text.startswith(word, self.position) and (
                end == len(self.text) or self.text[end].isspace() or self.text[end] in _BOUNDARIES
            ):
                return word
        return ""

    def take_keyword(self, word: str) -> bool:
        if self.at_end() or self.peek_keyword() != word:
            return False
        self.position += len(word)
        return True

    def negated(self, depth: int) -> Node:
        start, is_negated = self.position, False
        # Two negations cancel out.
        while self.text.startswith("-", self.position):
            self.position += 1
            is_negated = not is_negated
            if self.position == len(self.text) or self.text[self.position].isspace():
                _refuse("missing_term", gettext("A condition must follow the “-” without a space."), self.position)
        node = self.group(depth) if self.text.startswith("(", self.position) else self.term()
        if not is_negated:
            return node
        return node.node if isinstance(node, Not) else Not(node, start, self.position)

    def group(self, depth: int) -> Node:
        start = self.position
        if depth == MAX_DEPTH:
            _refuse(
                "too_deep", gettext("Parentheses may be nested %(max_depth)s deep.") % {"max_depth": MAX_DEPTH}, start
            )
        self.position += 1
        node = self.alternatives(depth + 1)
        if self.at_end():
            _refuse("unclosed_parenthesis", gettext("This parenthesis is not closed."), start)
        self.position += 1
        return node

    def term(self) -> Node:
        start = self.position
        self.term_count += 1
        if self.term_count > MAX_TERMS:
            _refuse(
                "too_many_terms",
                gettext("A filter has at most %(max_terms)s conditions.") % {"max_terms": MAX_TERMS},
                start,
            )
        if self.text.startswith('"', start):
            return Text(self.quoted(), True, start, self.position)
        if named := NAME_PATTERN.match(self.text, start):
            self.position = named.end()
            return self.values(named[1].lower(), named[2], start)
        text = self.bare(",.")
        if not text:
            _refuse("missing_term", gettext("A condition is missing here."), start)
        return Text(text, False, start, self.position)

    def values(self, name: str, sign: str, start: int) -> Term:
        operator = _OPERATORS.get(sign) or sign.lstrip(":")
        values = [self.value()]
        if self.text.startswith(RANGE, self.position) and operator == ":":
            self.position += len(RANGE)
            values.append(self.value())
            if not any(value.text for value in values):
                _refuse("missing_value", gettext("A range needs a beginning or an end."), values[0].start)
            self.require_boundary()
            return self.simplified_range(name, values, start)
        while self.text.startswith(",", self.position):
            self.position += 1
            values.append(self.value())
        self.require_boundary()
        for value in values:
            if value.start == value.end:
                _refuse("missing_value", gettext("“%(name)s” needs a value.") % {"name": name}, value.start)
        if len(values) > 1 and operator != ":":
            _refuse(
                "one_value",
                gettext("“%(operator)s” compares with one value.") % {"operator": operator},
                values[1].start,
            )
        return Term(name, operator, tuple(values), start, self.position)

    def require_boundary(self) -> None:
        """Refuse a quote, a parenthesis or a range directly after a value."""
        following = self.text[self.position : self.position + 1]
        if following and not following.isspace() and following != ")":
            _refuse("missing_space", gettext("A space must come before this."), self.position)

    def simplified_range(self, name: str, values: list[Value], start: int) -> Term:
        first, last = values
        if not last.text:
            return Term(name, ">=", (first,), start, self.position)
        if not first.text:
            return Term(name, "<=", (last,), start, self.position)
        return Term(name, RANGE, (first, last), start, self.position)

    def value(self) -> Value:
        start = self.position
        self.value_count += 1
        if self.value_count > MAX_VALUES:
            _refuse(
                "too_many_values",
                gettext("A filter has at most %(max_values)s values.") % {"max_values": MAX_VALUES},
                start,
            )
        text = self.quoted() if self.text.startswith('"', start) else self.bare("")
        return Value(text, start, self.position)

    def quoted(self) -> str:
        start, chars = self.position, list[str]()
        self.position += 1
        while self.position < len(self.text) and self.text[self.position] != '"':
            chars.append(self.character())
        if self.position == len(self.text):
            _refuse("unclosed_quote", gettext("This quotation mark is not closed."), start)
        self.position += 1
        return "".join(chars)

    def bare(self, allowed: str) -> str:
        """Read up to a space, parenthesis or quote; unless allowed, also a comma or `..`."""
        chars = list[str]()
        while self.position < len(self.text):
            char = self.text[self.position]
            if char.isspace() or char in _BOUNDARIES:
                break
            if not allowed and (char == "," or self.text.startswith(RANGE, self.position)):
                break
            chars.append(self.character())
        return "".join(chars)

    def character(self) -> str:
        """Read one character, or the one after a backslash."""
        following = self.text[self.position + 1 : self.position + 2]
        if self.text[self.position] == "\\" and following and not following.isspace():
            self.position += 1
        self.position += 1
        return self.text[self.position - 1]
