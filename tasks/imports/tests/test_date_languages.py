"""Dates in the languages that Todoist exports."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from tasks.imports.date_languages import LANGUAGES, find_language, is_recurring, translate
from tasks.imports.date_parser import ParsedDate, parse_date
from tasks.imports.tests.conftest import FILES, TODAY
from tasks.imports.todoist import parse

NINTH_OF_APRIL = {
    "da": "9. apr.", "de": "9 Apr", "es": "9 de abr.", "fi": "9. huhtik.", "fr": "9 avr.", "it": "9 aprile",
    "ja": "4月9日", "ko": "4월 9일", "nb": "9. april", "nl": "9 april", "pl": "9 kwi", "pt": "9 de abr. de 2027",
    "ru": "9 апр.", "sv": "9 apr.", "tr": "9 Nis", "zh": "4月9日",
}  # fmt: skip


def read(text: str, language: str) -> ParsedDate | None:
    english = translate(text, language)
    return parse_date(english, TODAY) if english else None


def test_day_and_month_are_read_in_every_language() -> None:
    assert set(NINTH_OF_APRIL) == set(LANGUAGES)
    for language, text in NINTH_OF_APRIL.items():
        assert read(text, language) == ParsedDate(date(2027, 4, 9)), language


@pytest.mark.parametrize(
    ("language", "text", "day", "clock"),
    [
        ("de", "10 Apr 17:15", date(2027, 4, 10), time(17, 15)),
        ("de", "9.4.2027 um 17:15 Uhr", date(2027, 4, 9), time(17, 15)),
        ("de", "Mi 9 Mär", date(2027, 3, 9), None),
        ("de", "übermorgen", date(2026, 11, 24), None),
        ("de", "in 3 Tagen", date(2026, 11, 25), None),
        ("de", "nächsten Montag", date(2026, 11, 23), None),
        ("fr", "1er mai 2027 à 17h15", date(2027, 5, 1), time(17, 15)),
        ("fr", "mar", date(2026, 11, 24), None),
        ("fr", "9 mar", date(2027, 3, 9), None),
        ("es", "pasado mañana", date(2026, 11, 24), None),
        ("pt", "amanhã às 17:15", date(2026, 11, 23), time(17, 15)),
        ("it", "dom", date(2026, 11, 29), None),
        ("fi", "9. joulukuuta klo 17.15", date(2026, 12, 9), time(17, 15)),
        ("sv", "i morgon", date(2026, 11, 23), None),
        ("ja", "2027年4月9日 午後5時15分", date(2027, 4, 9), time(17, 15)),
        ("ja", "2027年4月9日（金）17:15", date(2027, 4, 9), time(17, 15)),
        ("ja", "4月9日(金)", date(2027, 4, 9), None),
        ("ja", "４月９日 午後５時半", date(2027, 4, 9), time(17, 30)),
        ("ja", "9 4月 17:15", date(2027, 4, 9), time(17, 15)),
        ("ja", "9 4月 2028", date(2028, 4, 9), None),
        ("ja", "あした 正午", date(2026, 11, 23), time(12)),
        ("ja", "明日の17時15分", date(2026, 11, 23), time(17, 15)),
        ("ja", "3日後", date(2026, 11, 25), None),
        ("ja", "2か月後", date(2027, 1, 22), None),
        ("ja", "来週の月曜日", date(2026, 11, 23), None),
        ("ja", "来月", date(2026, 12, 1), None),
        ("ja", "月末", date(2026, 11, 30), None),
        ("ja", "15日", date(2026, 12, 15), None),
        ("ko", "3일 후", date(2026, 11, 25), None),
        ("ko", "다음 주 월요일", date(2026, 11, 23), None),
        ("zh", "3天后", date(2026, 11, 25), None),
        ("zh", "下周一", date(2026, 11, 23), None),
        ("ko", "2027년 4월 9일 오후 5:15", date(2027, 4, 9), time(17, 15)),
        ("zh", "明天 下午5:15", date(2026, 11, 23), time(17, 15)),
        ("ru", "завтра в 17:15", date(2026, 11, 23), time(17, 15)),
        ("tr", "yarın", date(2026, 11, 23), None),
    ],
)
def test_other_forms_of_a_date_are_read(language: str, text: str, day: date, clock: time | None) -> None:
    assert read(text, language) == ParsedDate(day, clock)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "irgendwann"), ("de", "Janitor 5"), ("de", "9/4"), ("de", "31. Feb"), ("de", "9.13."),
        ("fr", "9 jui"), ("de", "9 " * 100), ("ja", ""), ("ja", "次の月曜日"),
        ("ja", "(金)"), ("ja", "13月9日"), ("ja", "4月31日"), ("ja", "金"),
    ],
)  # fmt: skip
def test_unclear_date_is_not_guessed(language: str, text: str) -> None:
    assert read(text, language) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "jeden Montag"),
        ("fr", "chaque lundi"),
        ("ja", "毎週月曜日"),
        ("tr", "her pazartesi"),
        ("de", "every day"),
    ],
)
def test_repetition_is_recognised_in_its_language(language: str, text: str) -> None:
    assert is_recurring(text, language)


def test_language_code_is_found_with_its_region() -> None:
    codes = ["", "en", "EN_gb", "pt_BR", "zh-TW", "no", "xx", "../de"]

    assert [find_language(code) for code in codes] == ["en", "en", "en", "pt", "zh", "nb", None, None]


def test_german_export_keeps_its_dates() -> None:
    plan = parse((FILES / "german-dates.csv").read_bytes(), today=TODAY)

    assert [(task.title, task.due_date, task.due_at) for task in plan.tasks] == [
        ("Zählerstand melden", date(2027, 4, 9), None),
        ("Handwerker anrufen", None, datetime(2027, 4, 10, 15, 15, tzinfo=UTC)),
        ("Versicherung kündigen", date(2027, 1, 2), None),
        ("Müll rausbringen", None, None),
    ]
    assert [(warning.item, warning.reason.partition(".")[0]) for warning in plan.warnings[1:]] == [
        ("Date: jeden Montag", "Repeating tasks are not imported")
    ]
    assert plan.tasks[-1].description == "Date: jeden Montag (from Todoist)"
