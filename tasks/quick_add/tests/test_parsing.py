from __future__ import annotations

import time as stopwatch
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.quick_add.parsing import MAX_LENGTH, Kind, parse_text
from tasks.quick_add.words import VOCABULARY, WORD, escape, unescape

# A Monday, 11:00 in Berlin.
NOW = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
# Text -> title, and the other fields as "kind=value", in the order of the text.
TEXTS = {
    "Pay rent tomorrow 9am #home @finance !high every month": (
        "Pay rent",
        "due_date=2026-12-01 due_time=09:00:00 project=home assignee=finance priority=3 recurrence=FREQ=MONTHLY",
    ),
    "Miete zahlen morgen um 9 Uhr #home @finance !hoch jeden Monat": (
        "Miete zahlen",
        "due_date=2026-12-01 due_time=09:00:00 project=home assignee=finance priority=3 recurrence=FREQ=MONTHLY",
    ),
    # Days.
    "Call today": ("Call", "due_date=2026-11-30"),
    "Call Bob tomorrow.": ("Call Bob", "due_date=2026-12-01"),
    "Call day after tomorrow": ("Call", "due_date=2026-12-02"),
    "Anrufen heute": ("Anrufen", "due_date=2026-11-30"),
    "Anrufen übermorgen": ("Anrufen", "due_date=2026-12-02"),
    "Anrufen u\u0308bermorgen": ("Anrufen", "due_date=2026-12-02"),
    "ANRUFEN MORGEN": ("ANRUFEN", "due_date=2026-12-01"),
    "Call Monday": ("Call", "due_date=2026-12-07"),
    "Call on fri": ("Call", "due_date=2026-12-04"),
    "Call fri": ("Call", "due_date=2026-12-04"),
    "Call by Thursday about it": ("Call about it", "due_date=2026-12-03"),
    "Call this sunday": ("Call", "due_date=2026-12-06"),
    "Call next friday": ("Call", "due_date=2026-12-11"),
    "Call next week": ("Call", "due_date=2026-12-07"),
    "Call next month": ("Call", "due_date=2026-12-01"),
    "Lunch sun": ("Lunch", "due_date=2026-12-06"),
    "Lunch sat 1pm": ("Lunch", "due_date=2026-12-05 due_time=13:00:00"),
    "Anruf am Do": ("Anruf", "due_date=2026-12-03"),
    "Anruf Do 14:30": ("Anruf", "due_date=2026-12-03 due_time=14:30:00"),
    "Anruf am Samstag": ("Anruf", "due_date=2026-12-05"),
    "Anruf Sonnabend": ("Anruf", "due_date=2026-12-05"),
    "Anruf nächsten Freitag": ("Anruf", "due_date=2026-12-11"),
    "Anruf nächste Woche": ("Anruf", "due_date=2026-12-07"),
    "Anruf kommenden Mittwoch": ("Anruf", "due_date=2026-12-02"),
    "Review in 3 days": ("Review", "due_date=2026-12-03"),
    "Review in a week": ("Review", "due_date=2026-12-07"),
    "Review in two months": ("Review", "due_date=2027-01-30"),
    "Prüfen in 3 Tagen": ("Prüfen", "due_date=2026-12-03"),
    "Prüfen in einer Woche": ("Prüfen", "due_date=2026-12-07"),
    "Prüfen in zwei Monaten": ("Prüfen", "due_date=2027-01-30"),
    "Prüfen in 1 Jahr": ("Prüfen", "due_date=2027-11-30"),
    # Dates.
    "Xmas 24 Dec": ("Xmas", "due_date=2026-12-24"),
    "Xmas Dec 24": ("Xmas", "due_date=2026-12-24"),
    "Xmas December 24th, 2027": ("Xmas", "due_date=2027-12-24"),
    "Xmas on the 24th of December": ("Xmas on the", "due_date=2026-12-24"),
    "Xmas 2026-12-24": ("Xmas", "due_date=2026-12-24"),
    "Xmas 24/12/2026": ("Xmas", "due_date=2026-12-24"),
    "Fest am 24.12.": ("Fest", "due_date=2026-12-24"),
    "Fest 24.12.2027": ("Fest", "due_date=2027-12-24"),
    "Fest 24.12.27": ("Fest", "due_date=2027-12-24"),
    "Fest am Do, 24.12.": ("Fest", "due_date=2026-12-24"),
    "Fest am Donnerstag, 24. Dezember": ("Fest", "due_date=2026-12-24"),
    "Fest 24. Dez 2027": ("Fest", "due_date=2027-12-24"),
    "Fest 3. März": ("Fest", "due_date=2027-03-03"),
    "Steuer bis 31. Mai 2027": ("Steuer", "due_date=2027-05-31"),
    "Steuer bis zum 31. Mai": ("Steuer", "due_date=2027-05-31"),
    "Pay 5 may": ("Pay", "due_date=2027-05-05"),
    "Party 4 May": ("Party", "due_date=2027-05-04"),
    "Leap 29 Feb": ("Leap", "due_date=2028-02-29"),
    "Report end of month": ("Report", "due_date=2026-11-30"),
    "Report by the end of the month": ("Report by the", "due_date=2026-11-30"),
    "Bericht bis Ende des Monats": ("Bericht", "due_date=2026-11-30"),
    "Submit by the 15th": ("Submit", "due_date=2026-12-15"),
    "Abgabe am 15.": ("Abgabe", "due_date=2026-12-15"),
    # Times.
    "Call 9am": ("Call", "due_time=09:00:00"),
    "Call 9 pm": ("Call", "due_time=21:00:00"),
    "Call at 12am": ("Call", "due_time=00:00:00"),
    "Call 14:30": ("Call", "due_time=14:30:00"),
    "Call at 9": ("Call", "due_time=09:00:00"),
    "Call tomorrow at 9 with Bob": ("Call with Bob", "due_date=2026-12-01 due_time=09:00:00"),
    "Call tomorrow 9:30": ("Call", "due_date=2026-12-01 due_time=09:30:00"),
    "Call at noon tomorrow": ("Call", "due_time=12:00:00 due_date=2026-12-01"),
    "Meeting at 9 on Monday": ("Meeting", "due_time=09:00:00 due_date=2026-12-07"),
    "Ship 2026-12-24 14:30": ("Ship", "due_date=2026-12-24 due_time=14:30:00"),
    "Treffen um 9 am Montag": ("Treffen", "due_time=09:00:00 due_date=2026-12-07"),
    "Treffen um 9 Uhr": ("Treffen", "due_time=09:00:00"),
    "Treffen 9.30 Uhr": ("Treffen", "due_time=09:30:00"),
    "Treffen 20 Uhr 15": ("Treffen", "due_time=20:15:00"),
    "In 2 hours check oven": ("check oven", "due_at=2026-11-30 12:00:00+00:00"),
    "Kaffee in 10 Minuten": ("Kaffee", "due_at=2026-11-30 10:10:00+00:00"),
    "Kaffee in einer Stunde": ("Kaffee", "due_at=2026-11-30 11:00:00+00:00"),
    # Repetitions.
    "Gym every day": ("Gym", "recurrence=FREQ=DAILY"),
    "Gym every 2 weeks": ("Gym", "recurrence=FREQ=WEEKLY;INTERVAL=2"),
    "Gym every other week": ("Gym", "recurrence=FREQ=WEEKLY;INTERVAL=2"),
    "Gym every year": ("Gym", "recurrence=FREQ=YEARLY"),
    "Gym every monday": ("Gym", "recurrence=FREQ=WEEKLY;BYDAY=MO"),
    "Gym every mon, wed and fri 7am": ("Gym", "recurrence=FREQ=WEEKLY;BYDAY=MO,WE,FR due_time=07:00:00"),
    "Standup every weekday 9:15": ("Standup", "recurrence=FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR due_time=09:15:00"),
    "Rent every 1st": ("Rent", "recurrence=FREQ=MONTHLY;BYMONTHDAY=1"),
    "Water plants daily": ("Water plants", "recurrence=FREQ=DAILY"),
    "Sport jeden Tag": ("Sport", "recurrence=FREQ=DAILY"),
    "Sport alle 2 Wochen": ("Sport", "recurrence=FREQ=WEEKLY;INTERVAL=2"),
    "Sport jede zweite Woche": ("Sport", "recurrence=FREQ=WEEKLY;INTERVAL=2"),
    "Sport jedes Jahr": ("Sport", "recurrence=FREQ=YEARLY"),
    "Müll raus jeden Montag um 7": ("Müll raus", "recurrence=FREQ=WEEKLY;BYDAY=MO due_time=07:00:00"),
    "Müll jeden Mo und Do": ("Müll", "recurrence=FREQ=WEEKLY;BYDAY=MO,TH"),
    "Miete jeden 1.": ("Miete", "recurrence=FREQ=MONTHLY;BYMONTHDAY=1"),
    "Backup täglich": ("Backup", "recurrence=FREQ=DAILY"),
    "Meeting montags": ("Meeting", "recurrence=FREQ=WEEKLY;BYDAY=MO"),
    "Meeting jeden Werktag": ("Meeting", "recurrence=FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
    # Signs.
    "Plan #ops, +bug +ui @ana.": ("Plan", "project=ops label=bug label=ui assignee=ana"),
    "Plan !urgent": ("Plan", "priority=4"),
    "Plan !dringend": ("Plan", "priority=4"),
    "Plan !1": ("Plan", "priority=1"),
    "Plan !4": ("Plan", "priority=4"),
    "Plan ~30m": ("Plan", "estimate=30"),
    "Plan ~2h": ("Plan", "estimate=120"),
    "Plan ~1h30m": ("Plan", "estimate=90"),
    "Plan ~1,5h": ("Plan", "estimate=90"),
    "計画 ＃プロジェクト ！high": ("計画", "project=プロジェクト priority=3"),
    "خطة #مشروع tomorrow": ("خطة", "project=مشروع due_date=2026-12-01"),
    # Plain text.
    "Do homework": ("Do homework", ""),
    "So what": ("So what", ""),
    "Sun cream": ("Sun cream", ""),
    "Mon ami": ("Mon ami", ""),
    "Room 4 may be free": ("Room 4 may be free", ""),
    "Look at 9 houses": ("Look at 9 houses", ""),
    "Read John 3:16": ("Read John 3:16", ""),
    "On call 24/7": ("On call 24/7", ""),
    "Write 1/2 page": ("Write 1/2 page", ""),
    "Version 3.5. testen": ("Version 3.5. testen", ""),
    "On the 2nd floor": ("On the 2nd floor", ""),
    "Guten Morgen sagen": ("Guten Morgen sagen", ""),
    "Am Morgen laufen": ("Am Morgen laufen", ""),
    "Write weekly report": ("Write weekly report", ""),
    "Notes of yesterday": ("Notes of yesterday", ""),
    "C++ and C#": ("C++ and C#", ""),
    "Email bob@example.com +1": ("Email bob@example.com +1", ""),
    "Fix #123 !important ~soon": ("Fix #123 !important ~soon", ""),
    "Is it due tomorrow?": ("Is it due tomorrow?", ""),
    "Fest am 32.13.": ("Fest am 32.13.", ""),
    "Call 25:00 13pm": ("Call 25:00 13pm", ""),
    "Buy # @ + ! ~": ("Buy # @ + ! ~", ""),
    'Read "today and tomorrow" now': ('Read "today and tomorrow" now', ""),
    "Lies „heute und morgen“ jetzt": ("Lies „heute und morgen“ jetzt", ""),
    r"\#home streichen \tomorrow C:\temp": (r"#home streichen tomorrow C:\temp", ""),
    # Several values contradict each other.
    "Move from Monday to Tuesday": ("Move from Monday to Tuesday", ""),
    "Plan !high !low #a #b": ("Plan !high !low #a #b", ""),
    "Plan !high !3 today heute": ("Plan", "priority=3 priority=3 due_date=2026-11-30 due_date=2026-11-30"),
    "": ("", ""),
}

anything = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.one_of(
            st.sampled_from(sorted(VOCABULARY)),
            st.sampled_from(
                [*'#@+!~\\"', "#a", "@b", "+c", "!high", "~2h", "9", "9am", "9:30", "24.", "24.12.", "2026-12-24", "\\"]
            ),
            st.text(max_size=5),
        ),
        max_size=12,
    ).map(" ".join),
)


@pytest.mark.parametrize("text", TEXTS)
def test_text_has_the_title_and_fields(text):
    title, fields = TEXTS[text]
    parsed = parse_text(text, now=NOW, zone="Europe/Berlin")
    spans = " ".join(
        f"{span.kind}={int(span.value) if span.kind is Kind.PRIORITY else span.value}" for span in parsed.spans
    )
    assert (parsed.title, spans) == (title, fields)


@given(anything)
@example('"a" b" "c')
def test_spans_and_title_cover_any_text(text):
    parsed = parse_text(text, now=NOW, zone="Europe/Berlin")
    place, rest = 0, []
    for span in parsed.spans:
        assert place <= span.start < span.end <= len(text)
        assert text[span.start : span.end] == span.text
        rest.append(unescape(text[place : span.start]))
        place = span.end
    rest.append(unescape(text[place:]))
    # The title is normalised; it holds all words that no span has.
    assert WORD.findall(parsed.title) == WORD.findall(_normalized(" ".join(rest)))
    assert all(0 <= problem.start < problem.end <= len(text) for problem in parsed.problems)


@given(anything)
def test_escaped_title_round_trips(title):
    title = _normalized(title).strip()
    parsed = parse_text(escape(title), now=NOW, zone="Europe/Berlin")
    assert (parsed.title, parsed.spans, parsed.problems) == (title, [], [])


def _normalized(text):
    return parse_text(escape(text), now=NOW, zone="UTC").title


@pytest.mark.parametrize(
    "word", ["every ", "in 3 ", "#a ", '" ', "“ ", "mon, ", "1 ", "at ", "\\", "every mon, ", "a" * 99 + " "]
)
def test_time_is_linear_in_the_length(word):
    def seconds(length):
        text = (word * length)[:length]
        started = stopwatch.process_time()
        parse_text(text, now=NOW, zone="Europe/Berlin")
        return stopwatch.process_time() - started

    short = min(seconds(MAX_LENGTH) for _ in range(5))
    long = min(seconds(8 * MAX_LENGTH) for _ in range(3))
    assert long < 24 * max(short, 0.001)
