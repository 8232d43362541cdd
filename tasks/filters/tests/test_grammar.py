"""Filter text, its syntax tree, and canonical text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from tasks.filters import grammar
from tasks.filters.syntax_tree import RANGE, And, Not, Or, Term, Text, Value, to_text

FRAGMENTS = [
    "a",
    "b.c",
    "OR",
    "AND",
    "(",
    ")",
    "-",
    "due:",
    "cost>",
    "1",
    "..",
    '"',
    " ",
    ",",
    "\\",
    "label:x",
    "é",
    "@me",
]
TEXTS = st.text(max_size=60) | st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)
CANONICAL = {
    "": "",
    "state:open  assignee:@me": "state:open assignee:@me",
    "State=open": "state:open",
    "a AND b OR c": "(a b) OR c",
    "a (b (c d))": "a b c d",
    "(a OR b) OR c": "a OR b OR c",
    "-(-a) --b ---c": "a b -c",
    "-(a OR b)": "-(a OR b)",
    "created:>2026-01-01 created:<=2026-02-01": "created>2026-01-01 created<=2026-02-01",
    "due:@today.. due:..@today+7 due:@today..@today+7": "due>=@today due<=@today+7 due:@today..@today+7",
    'label:"a b","c",d': 'label:"a b",c,d',
    r'"say \"so\" \\" \-x \OR a\:b foo\(x\)': r'"say \"so\" \\" \-x \OR a\:b foo\(x\)',
    'ORDER "OR" Orchid': 'ORDER "OR" Orchid',
}
ERRORS = {
    "a OR": ("missing_term", 4),
    "OR a": ("missing_term", 0),
    "a AND": ("missing_term", 5),
    "x ()": ("missing_term", 3),
    "a - b": ("missing_term", 3),
    "x (a b": ("unclosed_parenthesis", 2),
    "a b)": ("unexpected_parenthesis", 3),
    'x "abc': ("unclosed_quote", 2),
    "due: x": ("missing_value", 4),
    "label:a,,b": ("missing_value", 8),
    "due:..": ("missing_value", 4),
    "priority>=high,low": ("one_value", 15),
    'label:a"b"': ("missing_space", 7),
    "x:a,b..c": ("missing_space", 5),
    "x" * 2001: ("too_long", 2000),
    "a " * 51: ("too_many_terms", 100),
    "x:" + "a," * 100 + "a": ("too_many_values", 202),
    "(" * 11 + "a" + ")" * 11: ("too_deep", 10),
}


@pytest.mark.parametrize(("text", "canonical"), CANONICAL.items())
def test_filter_text_is_made_canonical(text, canonical):
    assert to_text(grammar.parse(text)) == canonical
    assert to_text(grammar.parse(canonical)) == canonical


@pytest.mark.parametrize(("text", "expected"), ERRORS.items(), ids=str)
def test_malformed_filter_is_refused_with_position(text, expected):
    with pytest.raises(Invalid) as refused:
        grammar.parse(text)

    [error] = refused.value.fields
    assert (error.field, error.code, error.position) == ("filter", *expected)
    assert error.message.endswith(".")


def test_limits_themselves_are_accepted():
    grammar.parse("x" * 2000)
    grammar.parse("a " * 50)
    grammar.parse("(" * 10 + "a" + ")" * 10)
    assert len(grammar.parse("x:" + "a," * 99 + "a").values) == 100


def test_terms_know_their_place_in_the_text():
    first, second = grammar.parse('due:@today..@today+7 -label:"a b"').nodes

    assert (first.start, first.end) == (0, 20)
    assert [(value.start, value.end) for value in first.values] == [(4, 10), (12, 20)]
    assert (second.start, second.end, second.node.start) == (21, 33, 22)


@given(TEXTS)
def test_filter_text_to_tree_to_text_is_stable(text):
    try:
        tree = grammar.parse(text)
    except Invalid as refused:
        position = refused.fields[0].position
    else:
        position = 0
        canonical = to_text(tree)
        assert grammar.parse(canonical) == tree
        assert to_text(grammar.parse(canonical)) == canonical

    assert 0 <= position <= len(text)


# Letters, digits, marks, signs and emoji of all scripts; no controls, which no text field accepts.
SCRIPTS = st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from('aZ1-":()\\,.<>=@| éİßжع漢あก\u0301\u200d😀')
VALUES = (
    st.text(SCRIPTS, max_size=12)
    | st.dates().map(str)
    | st.sampled_from(["@today", "@today-7", "@week-end", "none", "@me", "1.5", "-3", "OR", "a..b", ".."])
).map(Value)
BOUNDS = VALUES.filter(lambda value: value.text)  # a range with one bound is a comparison
NAMES = st.sampled_from(["state", "label", "due", "created", "estimate", "field.cost", "field.due-by", "field.x_1"])
TERMS = (
    st.builds(Term, NAMES, st.just(":"), st.lists(VALUES, min_size=1, max_size=3).map(tuple))
    | st.builds(Term, NAMES, st.sampled_from(["<", "<=", ">", ">="]), st.tuples(VALUES))
    | st.builds(Term, NAMES, st.just(RANGE), st.tuples(BOUNDS, BOUNDS))
)
WORDS = st.text(SCRIPTS.filter(lambda char: not char.isspace()), min_size=1, max_size=12).map(Text)
PHRASES = st.text(SCRIPTS, max_size=20).map(lambda text: Text(text, is_phrase=True))
TREES = st.recursive(
    TERMS | WORDS | PHRASES,
    lambda parts: (
        parts.map(Not)
        | st.lists(parts, min_size=2, max_size=4).map(lambda nodes: And(tuple(nodes)))
        | st.lists(parts, min_size=2, max_size=4).map(lambda nodes: Or(tuple(nodes)))
    ),
    max_leaves=12,
)


@given(TREES)
def test_tree_to_filter_text_to_tree_is_stable(tree):
    parsed = grammar.parse(to_text(tree))

    assert parsed == _simplified(tree)
    assert grammar.parse(to_text(parsed)) == parsed


def _simplified(node):
    """Return the tree as the parser builds it: without double negations and groups within groups of a kind."""
    match node:
        case Not(part):
            inner = _simplified(part)
            return inner.node if isinstance(inner, Not) else Not(inner)
        case And(nodes) | Or(nodes):
            kind = type(node)
            parts = [_simplified(part) for part in nodes]
            return kind(tuple(one for part in parts for one in (part.nodes if isinstance(part, kind) else (part,))))
    return node
