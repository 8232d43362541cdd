"""The German catalogue, and the language of pages and emails."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import translation

from core.testing.page_client import logged_in_client

ROOT = Path(settings.BASE_DIR)
CATALOGUE = ROOT / "locale/de/LC_MESSAGES/django.po"
# A text of several lines is a string for each.
ENTRY_LINE = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[\d\])?) (".*"(?:\n".*")*)$', re.MULTILINE)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
MARKED_TEXT = re.compile(r'{% translate "([^"]+)"')
MARKERS = {"_": 0, "gettext": 0, "gettext_lazy": 0, "gettext_noop": 0, "get_or_404": 1, "require": 1}
# Code, names and examples that are the same in every language.
UNMARKED = {"TaskFlow", "API", "Ctrl K", "Esc", "CSV", "XLSX", "TaskFlow · TaskFlow"}
TEMPLATE_SYNTAX = re.compile(
    r"{% comment.*?endcomment %}|{% blocktranslate.*?endblocktranslate %}|{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL
)
NOT_TEXT = re.compile(
    r"<(script|style|code|kbd)\b.*?</\1>|<!--.*?-->|<(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*>|&[#a-z0-9]+;",
    re.DOTALL,
)
BLOCK_ATTRIBUTES = re.compile(r"{% block (?:content_class|main_attributes) %}.*?{% endblock")


def catalogue_entries() -> list[dict[str, str]]:
    blocks = CATALOGUE.read_text(encoding="utf-8").split("\n\n")
    entries = [{key: ast.literal_eval(f"({text})") for key, text in ENTRY_LINE.findall(block)} for block in blocks]
    return [entry for entry in entries if entry.get("msgid")]


def marked_texts() -> set[str]:
    texts = set()
    for path in (ROOT / "templates").rglob("*.html"):
        texts.update(MARKED_TEXT.findall(path.read_text(encoding="utf-8")))
    for app in ("accounts", "analytics", "config", "core", "notifications", "tasks"):
        for path in (ROOT / app).rglob("*.py"):
            if "tests" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKERS:
                    argument: Any = dict(enumerate(node.args)).get(MARKERS[node.func.id])
                    if isinstance(argument, ast.Constant) and argument.value:
                        texts.add(argument.value)
    return texts


def test_german_catalogue_is_complete():
    entries = catalogue_entries()
    assert "fuzzy" not in CATALOGUE.read_text(encoding="utf-8")
    for entry in entries:
        plural = entry.get("msgid_plural")
        translations = [text for key, text in entry.items() if key.startswith("msgstr")]
        assert all(translations), f"Not translated: {entry['msgid']}"
        expected = set(PLACEHOLDER.findall(plural or entry["msgid"]))
        assert set(PLACEHOLDER.findall(translations[-1])) == expected, entry["msgid"]
    missing = (
        marked_texts()
        - {entry["msgid"].replace("%%", "%") for entry in entries}
        - {entry["msgid"] for entry in entries}
    )
    assert not missing, f"Run make messages, and translate: {sorted(missing)}"
    # The compiled catalogue is the one that pages use.
    with translation.override("de"):
        for entry in entries:
            if "msgid_plural" not in entry:
                assert translation.gettext(entry["msgid"]) == entry["msgstr"], "Run manage.py compilemessages -l de."


def test_template_texts_are_marked():
    unmarked = {}
    for path in (ROOT / "templates").rglob("*.html"):
        if "emails" in path.parts:
            continue
        source = BLOCK_ATTRIBUTES.sub("", path.read_text(encoding="utf-8"))
        words = {text.strip() for text in NOT_TEXT.sub("\n", TEMPLATE_SYNTAX.sub("", source)).split("\n")}
        texts = {text for text in words if re.search(r"[A-Za-z]{3}", text)} - UNMARKED
        if texts:
            unmarked[str(path.relative_to(ROOT))] = texts
    assert not unmarked


def test_pages_follow_the_language_of_their_reader(alice, client: Client):
    login = client.get(reverse("login"), headers={"Accept-Language": "de-AT,de;q=0.9"}, follow=True)
    assert '<html lang="de"' in login.content.decode()
    assert "Passwort vergessen?" in login.content.decode()
    # The next request of the thread is not German.
    assert client.get("/api/v1/tasks/", headers={"Accept-Language": "de"}).json()["title"].isascii()
    alice.language = "de"
    alice.save(update_fields=["language"])
    german = logged_in_client(alice)
    texts = {
        "/tasks/": "Neue Aufgabe",
        "/projects/": "Projekte",
        "/inbox/": "Posteingang",
        "/settings/": "Einstellungen",
        "/trash/": "Papierkorb",
        "/calendar/": "Kalender",
        "/no-such-page/": "Seite nicht gefunden",
    }
    for path, text in texts.items():
        content = german.get(path, follow=True).content.decode()
        assert 'lang="de"' in content, path
        assert text in content, path


@pytest.mark.parametrize(("language", "subject"), [("de", "Passwort zurücksetzen"), ("en", "Reset password")])
def test_email_is_in_the_active_language(language: str, subject: str):
    with translation.override(language):
        body = render_to_string("emails/password_reset/body.txt", {"name": "Ana", "reset_link": "https://x.example"})
    assert subject in body
