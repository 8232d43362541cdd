"""Rendered emails: complete, compiled and safe with any user input."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.template.loader import get_template

from notifications.email.mjml import HEAD_NAME, compile_email, list_sources
from notifications.email.rendering import compose
from notifications.kinds import DEFAULT_PREFERENCES, TEMPLATES, AccountEmailKind, Channel, Kind
from notifications.management.commands.compile_emails import templates_dir
from notifications.tests.factories import make_email

TASK_KINDS = [kind for kind in Kind if kind not in {Kind.ADDED_TO_PROJECT, Kind.ADDED_TO_TEAM}]
TARGETS: dict[str, dict[str, Any]] = {
    Kind.ADDED_TO_PROJECT: {"task_id": None, "task_key": "", "task_title": "", "url": "/projects/OPS/"},
    Kind.ADDED_TO_TEAM: {
        "task_id": None,
        "task_key": "",
        "task_title": "",
        "project_id": None,
        "project_name": "",
        "team_id": UUID(int=9),
        "team_name": "Storefront",
        "url": "/projects/",
    },
}
HOSTILE = (
    "<script>alert(1)</script>\r\nBcc: everybody@example.com\x07\u2028<img src=x onerror=alert(2)>{{ 7|add:7 }}\"'&"
)


def test_email_kind_has_all_template_parts(subtests):
    for kind in [*Kind.values, *AccountEmailKind.values]:
        for part in ("subject.txt", "body.txt", "body.html", "body.mjml"):
            with subtests.test(f"{kind} {part}"):
                get_template(f"emails/{kind}/{part}")


def test_kind_has_texts_and_default_preferences():
    assert set(TEMPLATES) == set(Kind)
    assert set(DEFAULT_PREFERENCES) == {(kind, channel) for kind in Kind for channel in Channel}


def test_template_folder_belongs_to_a_kind():
    folders = {source.parent.name for source in list_sources(templates_dir())}

    assert folders == {*Kind.values, *AccountEmailKind.values, "batch"}


def test_committed_html_matches_compiled_mjml(subtests):
    for source in list_sources(templates_dir()):
        with subtests.test(source.parent.name):
            head, html = compile_email(source)
            assert source.with_suffix(".html").read_text(encoding="utf-8") == html
            assert (templates_dir() / HEAD_NAME).read_text(encoding="utf-8") == head


def test_compile_check_reports_outdated_html(settings, tmp_path):
    kind = tmp_path / "templates" / "emails" / "assigned"
    kind.mkdir(parents=True)
    (kind / "body.mjml").write_text("<mjml><mj-body></mj-body></mjml>")
    settings.BASE_DIR = tmp_path

    with pytest.raises(CommandError, match=r"Outdated: .*assigned"):
        call_command("compile_emails", check=True)
    assert not (kind / "body.html").exists()

    call_command("compile_emails", stdout=None)
    call_command("compile_emails", check=True)


@pytest.mark.django_db
class TestCompose:
    @pytest.mark.parametrize("kind", Kind.values)
    def test_user_input_is_escaped(self, kind, bob):
        texts = {
            "title": HOSTILE,
            "body": HOSTILE,
            "task_title": HOSTILE,
            "project_name": HOSTILE,
            "actor_name": HOSTILE,
        }
        target = {name: HOSTILE if name.endswith("_name") else value for name, value in TARGETS.get(kind, {}).items()}
        email = make_email(bob, notification={"kind": kind, "task_key": "OPS-42", **texts, **target})

        wire = message_from_bytes(compose(email).message().as_bytes(), policy=policy.default)

        html = wire.get_body(("html",)).get_content()
        assert "<script" not in html
        assert "<img" not in html
        assert "{{ 7|add:7 }}" in html.replace("&quot;", '"')
        assert wire["Bcc"] is None
        assert (
            wire["Subject"].strip().startswith("[OPS-42] " if kind in TASK_KINDS else "<script>alert(1)</script> Bcc")
        )

    @pytest.mark.parametrize("kind", Kind.values)
    def test_html_has_no_scripts_and_no_external_resources(self, kind, bob):
        target = TARGETS.get(kind, {"url": "/tasks/OPS-42/"})
        email = make_email(bob, notification={"kind": kind, "body": "Tuesday", **target})

        html = str(compose(email).alternatives[0].content)

        assert not re.search(r"<(script|link|img|iframe|form)|@import|url\(", html)
        assert set(re.findall(r'href="([^"]*)"', html)) == {
            f"http://127.0.0.1:8000{target['url']}",
            "http://127.0.0.1:8000/settings/notifications/",
        }
        assert "{%" not in html
        assert "{{" not in html

    def test_text_parts_are_not_escaped(self, bob):
        email = make_email(bob, notification={"kind": "mentioned", "task_title": "R&D <now>", "body": 'it\'s "on"'})

        message = compose(email)

        assert message.subject == "[OPS-42] Alice mentioned you: R&D <now>"
        assert "R&D <now>" in message.body
        assert 'it\'s "on"' in message.body

    def test_excerpt_is_rendered_and_the_text_part_is_plain(self, bob):
        body = "Look **today**:\n- [bank](https://a.example)\n- `<b>`"

        message = compose(make_email(bob, notification={"kind": "commented", "body": body}))

        (html, _type), *_ = message.alternatives
        assert "Look <strong>today</strong>:" in html
        assert "<li>bank</li>" in html
        assert "<code>&lt;b&gt;</code>" in html
        assert "Look today:" in message.body
        assert "**" not in message.body

    def test_long_subject_is_shortened(self, bob):
        email = make_email(bob, notification={"task_title": "x" * 500})

        subject = compose(email).subject

        assert len(subject) == 180
        assert subject.endswith("…")

    @pytest.mark.parametrize(
        ("due", "zone", "texts"),
        [
            ({"due_date": date(2026, 3, 2)}, "America/New_York", "Due Mon 2 Mar 2026\n"),
            (
                {"due_at": datetime(2026, 3, 2, 3, 30, tzinfo=UTC)},
                "America/New_York",
                "Due Sun 1 Mar 2026, 22:30 EST\n",
            ),
            ({"due_at": datetime(2026, 3, 2, 3, 30, tzinfo=UTC)}, "Not/AZone", "Due Mon 2 Mar 2026, 03:30 UTC\n"),
        ],
    )
    def test_due_time_is_shown_in_the_recipient_time_zone(self, due, zone, texts, bob):
        bob.time_zone = zone
        email = make_email(bob, notification=due)

        assert texts in compose(email).body
