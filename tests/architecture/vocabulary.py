"""Check names and docstrings against the project's vocabulary (docs/glossary.md, CONTRIBUTING.md).

`python -m tests.architecture.vocabulary [PATH ...]` prints one line per finding and exits with 1 if there is any; `make check`
runs it. The rules: identifiers and module names avoid the words of `BANNED`; a test is named after its subject, in at
most 60 characters; the first line of a docstring names the thing or says in the imperative what it does, in at most
15 words; the services of another feature are imported under its name and its selectors as `<feature>_selectors`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "accounts", "analytics", "benchmarks", "config", "core", "demo", "drills", "events", "gateway", "launcher",
    "notifications", "tasks", "tests",
)  # fmt: skip

# The word on the left says nothing to a reader who searches; the right-hand side is what to write.
BANNED = {
    "answered": "response",
    "asked": "requested, or the noun",
    "beat": "response time step",
    "departed": "deleted, former",
    "departure": "account deletion",
    "disown": "untrust",
    "disowned": "untrusted",
    "door": "endpoint, page, response",
    "doors": "endpoints, pages",
    "errand": "authorization request",
    "fact": "event",
    "facts": "events",
    "fetched": "the noun",
    "found": "result, or the noun",
    "gave": "the noun",
    "given": "the noun",
    "happening": "event",
    "happenings": "events",
    "hearers": "recipients",
    "hollow": "placeholder",
    "hole": "placeholder",
    "holes": "placeholders",
    "keeper": "provider",
    "keepers": "providers",
    "kept": "cached, stored",
    "lane": "concurrency limiter",
    "letter": "email",
    "letters": "emails",
    "lasts": "ttl, timeout",
    "longest": "max",
    "mine": "own",
    "minted": "created",
    "mood": "trend",
    "nobody": "none, anonymous",
    "nowhere": "nil",
    "nudge": "notify",
    "owed": "pending",
    "owes": "required",
    "patience": "backoff, timeout",
    "person": "user",
    "persons": "users",
    "piece": "page",
    "proof": "reauthentication",
    "proofs": "reauthentication",
    "prove": "reauthenticate",
    "proved": "reauthenticated, verified",
    "proven": "recent login, verified",
    "proving": "reauthenticating",
    "refusal": "error",
    "refusals": "errors",
    "said": "claims, or the noun",
    "seal": "encrypt",
    "sealed": "encrypted",
    "sealing": "encryption",
    "shown": "visible, or the noun",
    "somebody": "user",
    "standing": "enforcement, state",
    "stranger": "anonymous, outsider",
    "strangers": "anonymous, outsiders",
    "tell": "notify, publish",
    "telling": "notify",
    "tells": "notifies",
    "theirs": "the noun",
    "told": "payload, notified",
    "undoing": "revert",
    "unseal": "decrypt",
    "wanted": "params, or the noun",
    "whom": "the noun",
    "whose": "the noun",
}  # fmt: skip

# Identifiers that hold such a word and are the field's own term, each with its reason.
ALLOWED = {
    "not_found": "HTTP 404",
    "NotFound": "HTTP 404, as DRF names it",
    "page_not_found": "Django's handler",
    "handler404": "Django's handler",
    "ObjectNotFound": "storage error",
    "ModuleNotFoundError": "Python",
    "FileNotFoundError": "Python",
    "PackageNotFoundError": "Python",
    "not_found_error": "HTTP 404",
    "dead_letter": "the queueing term",
    "dead_letters": "the queueing term",
    "dead_lettered": "the queueing term",
    "dead_lettered_at": "the queueing term",
    "DeadLetter": "the queueing term",
    "DEAD_LETTER": "the queueing term",
    "ascii_letters": "Python's string module",
    "letter_spacing": "CSS",
    "proof_key": "PKCE, RFC 7636",
    "CELERY_BEAT_SCHEDULE": "Celery's setting",
}

PRONOUNS = {
    "a", "an", "another", "both", "each", "every", "everybody", "he", "her", "his", "how", "it", "its", "nobody", "none",
    "nothing", "one", "others", "she", "some", "somebody", "something", "that", "the", "their", "them", "they", "this", "those",
    "two", "what", "whatever", "when", "where", "which", "while", "who", "whoever", "whom", "whose", "why",
}  # fmt: skip
DOCSTRING_STARTS = {"somebody", "that", "they", "what", "whatever", "who", "whoever", "whom", "whose"}
MAX_TEST_NAME = 60
MAX_DOCSTRING_WORDS = 15


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def check_tree(root: Path = ROOT) -> list[Finding]:
    """Return the findings of all Python files of the project, sorted by place."""
    paths = [path for name in PACKAGES for path in (root / name).rglob("*.py")]
    return sorted(finding for path in paths if "migrations" not in path.parts for finding in check_file(path, root))


def check_file(path: Path, root: Path = ROOT) -> Iterator[Finding]:
    name = str(path.relative_to(root))
    tree = ast.parse(path.read_text())
    for part in path.relative_to(root).with_suffix("").parts:
        yield from _check_name(name, 1, part, "module name")
    seen: set[tuple[int, str]] = set()
    for node in ast.walk(tree):
        for identifier in _bound_names(node):
            line = getattr(node, "lineno", 1)
            if (line, identifier) not in seen:
                seen.add((line, identifier))
                yield from _check_name(name, line, identifier, "name")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield from _check_test_name(name, node)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _check_docstring(name, node)
        if isinstance(node, ast.ImportFrom):
            yield from _check_import_alias(name, node)


def _bound_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement introduces; uses of others' names are not ours to choose."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        if not node.name.startswith("test_"):
            yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.attr
    elif isinstance(node, ast.alias) and node.asname:
        yield node.asname
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name


def _check_name(path: str, line: int, identifier: str, kind: str) -> Iterator[Finding]:
    if identifier in ALLOWED or identifier.strip("_") in ALLOWED:
        return
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier).lower()
    spaced = spaced.replace("not_found", "").replace("dead_letter", "")
    for word in spaced.split("_"):
        if word in BANNED:
            yield Finding(path, line, f"{kind} `{identifier}`: instead of {word!r} write {BANNED[word]}")


def _check_test_name(path: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Finding]:
    if len(node.name) > MAX_TEST_NAME:
        yield Finding(
            path, node.lineno, f"test name has {len(node.name)} characters (at most {MAX_TEST_NAME}): {node.name}"
        )
    if node.name.split("_")[1] in PRONOUNS:
        yield Finding(path, node.lineno, f"test name does not begin with its subject: {node.name}")


def _check_docstring(
    path: str, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
) -> Iterator[Finding]:
    text = ast.get_docstring(node)
    if not text:
        return
    line = node.body[0].lineno
    words = re.split(r"(?<=[.:;?!])\s", text.split("\n\n")[0].replace("\n", " "))[0].split()
    if len(words) > MAX_DOCSTRING_WORDS:
        yield Finding(path, line, f"docstring's first sentence has {len(words)} words (at most {MAX_DOCSTRING_WORDS})")
    if words and words[0].lower().strip(",.;:") in DOCSTRING_STARTS:
        yield Finding(path, line, f"docstring begins with {words[0]!r}: name the thing, or begin with a verb")


def _check_import_alias(path: str, node: ast.ImportFrom) -> Iterator[Finding]:
    """Check that one alias means the same module everywhere: a search for it finds every call."""
    package = node.module or ""
    feature = package.rpartition(".")[2]
    # In the feature's own folder the modules keep their names. `_services` is for a local that needs the plain name.
    is_own = path.startswith(f"{package.replace('.', '/')}/")
    rules = {"services": {feature, f"{feature}_services"}, "selectors": {f"{feature}_selectors"}}
    for alias in node.names:
        allowed = rules.get(alias.name)
        if allowed and alias.asname not in allowed and not (is_own and alias.asname is None):
            yield Finding(path, node.lineno, f"import {package}.{alias.name} as {' or '.join(sorted(allowed))}")


def main(prefixes: list[str]) -> int:
    findings = [finding for finding in check_tree() if not prefixes or finding.path.startswith(tuple(prefixes))]
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write(f"{len(findings)} findings\n")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
