"""The vocabulary check reports each kind of fault once and accepts good code."""

from __future__ import annotations

import pytest

from tests.architecture.vocabulary import check_file, main

GOOD_CODE = '''
"""Rate limits of the login page."""

from dataclasses import dataclass


@dataclass
class LoginAttempt:
    """An attempt to log in."""

    account_key: str

    def not_found(self, dead_letter_count: int) -> str:
        """Return the key. A second sentence may say at any length why this is so, and for whom, and since when."""
        account_key = self.account_key
        return account_key.format(dead_letter_count)


def test_login_is_throttled_after_ten_failures():
    attempt = LoginAttempt("a")
    assert attempt.account_key
'''


@pytest.fixture
def messages(tmp_path):
    """Return a function that checks one module and returns the messages of its findings."""

    def check(code, name="accounts/throttling.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(code)
        return [finding.message for finding in check_file(path, tmp_path)]

    return check


def test_good_code_has_no_findings(messages):
    assert messages(GOOD_CODE) == []


@pytest.mark.parametrize(
    ("code", "identifier"),
    [
        ("found = 1", "found"),
        ("def tell(): pass", "tell"),
        ("async def _proof_of(): pass", "_proof_of"),
        ("class ProofRequired: pass", "ProofRequired"),
        ("def get(person): pass", "person"),
        ("def get(*, is_wanted): pass", "is_wanted"),
        ("get = lambda told: 1", "told"),
        ("task.kept_until = 1", "kept_until"),
        ("import datetime as door", "door"),
        ("try: pass\nexcept ValueError as refusal: pass", "refusal"),
        ("for piece in (): pass", "piece"),
        ("if (said := 1): pass", "said"),
        ("LONGEST_NAME = 5", "LONGEST_NAME"),
    ],
)
def test_banned_words_are_found_in_each_kind_of_name(messages, code, identifier):
    findings = messages(code)

    assert len(findings) == 1
    assert findings[0].startswith(f"name `{identifier}`: instead of")


def test_banned_words_are_found_in_module_names(messages):
    assert messages("", "accounts/standing.py") == [
        "module name `standing`: instead of 'standing' write enforcement, state"
    ]


def test_names_of_other_code_may_hold_banned_words(messages):
    assert messages("import letters\nletters.tell(person=letters.found)") == []


def test_test_names_are_short_and_start_with_the_subject(messages):
    long_name = "test_queue_" + "x" * 60

    assert messages(f"def {long_name}(): pass") == [f"test name has 71 characters (at most 60): {long_name}"]
    assert messages("def test_the_queue_is_empty(): pass") == [
        "test name does not begin with its subject: test_the_queue_is_empty"
    ]


def test_docstrings_begin_with_a_short_sentence(messages):
    long_sentence = "Return " + "a " * 15 + "value."

    assert messages(f'"""{long_sentence}"""') == ["docstring's first sentence has 17 words (at most 15)"]
    assert messages('class Task:\n    """Who is told."""') == [
        "docstring begins with 'Who': name the thing, or begin with a verb"
    ]


def test_import_aliases_name_the_feature(messages):
    message = "import tasks.items.selectors as items_selectors"

    assert messages("from tasks.items import selectors as items") == [message]
    assert messages("from tasks.items import selectors") == [message]
    assert messages("from tasks.items import services as tasks") == [
        "import tasks.items.services as items or items_services"
    ]
    assert messages("from tasks.items import services as items, selectors as items_selectors") == []
    assert messages("from accounts import services", "accounts/pages.py") == []


def test_command_fails_for_findings_in_the_given_paths(monkeypatch, capsys, tmp_path):
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks/items.py").write_text("found = 1")
    monkeypatch.setattr(
        "tests.architecture.vocabulary.check_tree", lambda: list(check_file(tmp_path / "tasks/items.py", tmp_path))
    )

    assert main(["accounts/"]) == 0
    assert main(["tasks/"]) == 1
    assert "tasks/items.py:1: name `found`: instead of 'found' write result, or the noun" in capsys.readouterr().out
