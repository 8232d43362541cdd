"""Syntax tree of a filter, and its canonical text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

RANGE = ".."
NAME_PATTERN = re.compile(r"([A-Za-z][A-Za-z_]*(?:\.[A-Za-z0-9_-]+)?)(:[<>]=?|:=?|>=|<=|[<>=])")
KEYWORDS = {"OR", "AND"}
_ESCAPED = '()"\\'


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a term. `start` and `end` are offsets in the text, here and below."""

    text: str
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Term:
    """A condition `name:value`. The operator `..` has two values, of which one may be empty."""

    name: str
    operator: str
    values: tuple[Value, ...]
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A word to search for, or words in a row."""

    text: str
    is_phrase: bool = False
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    node: Node
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of these; without any, every task."""

    nodes: tuple[Node, ...]
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    nodes: tuple[Node, ...]
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


Node = Term | Text | Not | And | Or


def to_text(node: Node) -> str:
    """Return the canonical text of a tree; parsing it gives an equal tree."""
    match node:
        case And(nodes):
            return " ".join(_in_parentheses(part, And, Or) for part in nodes)
        case Or(nodes):
            return " OR ".join(_in_parentheses(part, And, Or) for part in nodes)
        case Not(part):
            return f"-{_in_parentheses(part, And, Or, Not)}"
        case Text(text, is_phrase):
            return quote(text) if is_phrase else _escape_word(text)
        case Term(name, operator, values):
            texts = [quote_if_needed(value.text) for value in values]
            return f"{name}:{RANGE.join(texts)}" if operator == RANGE else f"{name}{operator}{','.join(texts)}"


def quote(text: str) -> str:
    """Return a text in quotes."""
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))


def quote_if_needed(text: str) -> str:
    """Return a value of a term as it is written, quoted where needed."""
    special = any(char.isspace() or char in ',()"\\' for char in text) or RANGE in text
    return quote(text) if special or not text or text[0] in "<>=." or text[-1] == "." else text


def conjuncts(node: Node) -> tuple[Node, ...]:
    """Return the parts that all must hold."""
    return node.nodes if isinstance(node, And) else (node,)


def conjunction(nodes: tuple[Node, ...]) -> Node:
    """Return the tree in which all of these must hold."""
    return nodes[0] if len(nodes) == 1 else And(nodes)


def iter_terms(node: Node) -> Iterator[Term | Text]:
    """Yield the terms and words of a tree in their order."""
    match node:
        case Term() | Text():
            yield node
        case Not(part):
            yield from iter_terms(part)
        case And(nodes) | Or(nodes):
            for part in nodes:
                yield from iter_terms(part)


def _in_parentheses(node: Node, *kinds: type) -> str:
    return f"({to_text(node)})" if isinstance(node, kinds) else to_text(node)


def _escape_word(text: str) -> str:
    escaped = "".join(f"\\{char}" if char in _ESCAPED else char for char in text)
    if named := NAME_PATTERN.match(escaped):
        start = named.start(2)
        return f"{escaped[:start]}\\{escaped[start:]}"
    return f"\\{escaped}" if text[0] == "-" or text in KEYWORDS else escaped
