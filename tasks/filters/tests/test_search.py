"""Search finds what is written, in whatever script and shape."""

from __future__ import annotations

import re

import pytest

from core.testing.page_client import logged_in_client, visible_text
from tasks.items import page_queries
from tasks.tests.factories import CommentFactory, ProjectFactory, TaskFactory, TaskShareFactory

pytestmark = pytest.mark.django_db
TASKS = "/api/v1/tasks/"

DOTTED = [  # text, search
    ("The numbers in quarterly.report.xlsx are wrong", "quarterly.report.xlsx"),
    ("Edit haproxy.cfg please", "cfg"),
    ("Customer is jane.roe@customer.example.org", "jane.roe@customer.example.org"),
    ("See https://docs.example.net/setup/install.html?step=2", "docs.example.net"),
    ("Open 192.168.10.25 to the printer", "192.168.10.25"),
    ("Move to v2.14.3 before Friday", "v2.14.3"),
    ("The bill is 1234.56 euro", "1234.56"),
    ("Moved to 2031-10-17 at noon", "2031-10-17"),
    ("Call +49-30-1234567", "1234567"),
    ("an input/output error", "input/output"),
    ("Rename user.first_name", "first_name"),
    # Siblings that nobody reported.
    ("Release 3.14.15-rc.2 is out", "3.14.15"),
    ("Release v7.8.9 is out", "7.8.9"),
    ("Log in /var/log/nginx/error.log", "nginx/error.log"),
    ("Path C:\\Users\\ann\\notes.txt", "notes.txt"),
    ("Set MAX_RETRY_COUNT to 5", "retry_count"),
    ("Host db-01.internal.example", "db-01"),
    ("Ping fe80::1ff:fe23:4567:890a first", "fe80::1ff:fe23"),
    ("See https://example.org/a?b=c&d=e#frag", "https://example.org/a?b=c"),
    ("Ask ann+tag@sub.example.com", "ann+tag@sub.example.com"),
    ("Deadline 17.10.2031 or 10/17/2031", "17.10.2031"),
    ("It costs 1,234.56 \u20ac", "1,234.56"),
    ("Use kebab-case-names here", "kebab-case"),
    ("the foo::bar->baz() call", "bar->baz"),
    ("a 50% discount (approx.)", "50%"),
    ("don\u2019t panic", "don't"),
]
UNSPACED = [
    ("今天下午去超市买牛奶和面包", "牛奶"),
    ("今天下午去超市买牛奶和面包", "面包"),
    ("明日までに報告書を提出する", "報告書"),
    ("ซื้อนมและขนมปังที่ตลาด", "ขนมปัง"),
    ("내일 회의자료 준비하기", "자료"),
    ("修复登录错误", "错"),
    ("Café Müller anrufen", "cafe muller"),
    ("🚀 Launch party", "🚀"),
    ("Ｆｕｌｌｗｉｄｔｈ test", "fullwidth"),
    # Siblings that nobody reported.
    ("修复登录错误", "误"),
    ("修复login错误", "修复login"),
    ("ﾊﾟｰﾃｨｰの準備", "パーティー"),
    ("データベース移行", "ベース"),
    ("ສະບາຍດີ ໂລກ", "ບາຍດີ"),
    ("ဘာသာစကား ပြန်", "စကား"),
    ("ភាសាខ្មែរ", "ខ្មែរ"),
    ("Đặt lịch họp ở Hà Nội", "dat lich ha noi"),
    ("Ёлка в офис", "елка"),
    ("Łódź and Smørrebrød", "lodz smorrebrod"),
    ("Straße 5", "STRASSE"),
    ("Σίσυφος", "σισυφοσ"),
    ("שָׁלוֹם", "שלום"),
    ("مُحَمَّد", "محمد"),
    ("Cafe\u0301 with a combining accent", "café"),
    ("party 👩‍👩‍👧 family", "👩"),
    ("done ✅ and ❤️", "❤"),
    ("हिन्दी में काम", "हिन्दी"),
]
TYPOS = [("Fix the login", "lgoin"), ("Test plan", "tset"), ("Order a printer", "pirnter"), ("Buy milk", "mlik")]


def matching_numbers(client, text, **params):
    response = client.get(TASKS, {"search": text, **params})
    assert response.status_code == 200, response.content
    return {row["number"] for row in response.json()["results"]}


@pytest.mark.parametrize("cases", [DOTTED, UNSPACED], ids=["dotted", "unspaced"])
def test_search_finds_what_is_written(cases, clients, project, subtests):
    for text, search in cases:
        titled = TaskFactory(project=project, title=text)
        described = TaskFactory(project=project, title="Other", description=f"Before. {text}, after.")
        commented = TaskFactory(project=project, title="Another")
        CommentFactory(task=commented, body=f"({text})")
        with subtests.test(search):
            assert matching_numbers(clients["alice"], search, limit="100") >= {
                titled.number,
                described.number,
                commented.number,
            }


def test_search_finds_words_with_transposed_letters(clients, project, subtests):
    for text, search in TYPOS:
        task = TaskFactory(project=project, title=text)
        with subtests.test(search):
            assert matching_numbers(clients["alice"], search) == {task.number}


def test_similar_titles_are_shown_only_without_exact_ones(clients, project):
    exact = TaskFactory(project=project, title="Fill in the form")
    TaskFactory(project=project, title="Mail from Ann")

    assert matching_numbers(clients["alice"], "form") == {exact.number}


def test_search_finds_only_visible_comments(clients, project, bob, mallory):
    hidden = TaskFactory(project=ProjectFactory(), title="Hidden")
    CommentFactory(task=hidden, body="a zebra crossing")
    shared = TaskFactory(project=ProjectFactory(), title="Shared")
    CommentFactory(task=shared, body="a zebra")
    TaskShareFactory(task=shared, user=mallory)
    mallory.refresh_from_db()

    assert matching_numbers(clients["bob"], "zebra") == set()
    assert matching_numbers(clients["mallory"], "zebra") == {shared.number}


def test_edited_text_is_found_by_its_new_words_only(clients, task):
    comment = CommentFactory(task=task, body="an aardvark")
    comment.body = "a buffalo"
    comment.save()
    clients["alice"].patch(f"{TASKS}{task.key}/", {"description": "a chinchilla"})
    clients["alice"].patch(f"{TASKS}{task.key}/", {"description": "a dromedary"})

    assert matching_numbers(clients["alice"], "aardvark") == matching_numbers(clients["alice"], "chinchilla") == set()
    assert (
        matching_numbers(clients["alice"], "buffalo")
        == matching_numbers(clients["alice"], "dromedary")
        == {task.number}
    )


@pytest.mark.parametrize("text", ["a " * 100, "x" * 201, ". " * 30 + "b " * 25])
def test_search_of_too_many_words_is_refused(text, clients, task):
    response = clients["alice"].get(TASKS, {"search": text})

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "search")


@pytest.mark.parametrize(
    "text", ["*" * 200, "%" * 200, "a.b" * 66, "牛奶" * 100, "\U0001f680" * 200, "'\\" * 100, "\u0301" * 200]
)
def test_search_of_hostile_text_finds_nothing(text, clients, task):
    assert matching_numbers(clients["alice"], text) == set()


def test_longest_text_is_indexed_to_its_end(clients, project):
    long_texts = [
        "x" * 49_000,
        "牛奶" * 24_000,
        "a." * 24_000,
        "\ufdfa" * 49_000,
        "".join(map(chr, range(0x4E00, 0x9F00))),
    ]
    for text in long_texts:
        TaskFactory(project=project, description=f"{text[:49_000]} needle42")
    last = TaskFactory(project=project, description="\n".join(f"word{n}" for n in range(5_000)) + " alpha.beta")

    assert len(matching_numbers(clients["alice"], "needle42")) == 4  # the ligature alone is longer than what is indexed
    assert matching_numbers(clients["alice"], "alpha.beta") == {last.number}


def test_titles_are_sorted_as_in_a_dictionary(clients, project):
    titles = ["zebra", "Éclair", "apple", "Zulu", "ecru", "Banana", "österreich", "end"]
    for title in titles:
        TaskFactory(project=project, title=title)

    pages, url = [], f"{TASKS}?ordering=title&limit=3"
    while url:
        body = clients["alice"].get(url).json()
        pages += [row["title"] for row in body["results"]]
        url = body["next"]

    assert pages == ["apple", "Banana", "Éclair", "ecru", "end", "österreich", "zebra", "Zulu"]


def test_list_says_how_many_closed_tasks_match(alice, clients, project, monkeypatch):
    states = {state.slug: state for state in project.states.all()}
    for _ in range(3):
        TaskFactory(
            project=project, title="Read analytics", state=states["done"], category="done", closed_at=project.created_at
        )
    browser = logged_in_client(alice)

    searched = browser.get("/tasks/?search=analytics&category=open")
    plain, all_tasks = browser.get("/tasks/"), browser.get("/tasks/?search=analytics&category=all")

    assert "3 closed tasks match" in visible_text(searched)
    assert 'href="?search=analytics&amp;category=all"' in searched.content.decode()
    assert "closed tasks match" not in visible_text(plain) + visible_text(all_tasks)

    queries = ["", "search=analytics", "search=analytics&category=todo,in_progress", "search=analytics&category=done"]
    bodies = [clients["alice"].get(f"{TASKS}?{query}").json() for query in queries]
    monkeypatch.setattr(page_queries, "MAX_SEARCH_COUNT", 1)
    bodies.append(clients["alice"].get(f"{TASKS}?{queries[2]}&page=1").json())
    assert [body.get("closed_matches") for body in bodies] == [None, 0, 3, 0, 2]


def test_list_says_how_many_tasks_of_archived_projects_match(alice, project):
    archived = ProjectFactory(key="OLD", owner=alice, archived_at=project.created_at)
    for home in (project, archived, archived, ProjectFactory(key="FRN", archived_at=project.created_at)):
        TaskFactory(project=home, title="Read analytics")
    browser = logged_in_client(alice)

    searched = browser.get("/tasks/?search=analytics")
    everything = browser.get("/tasks/?search=analytics&category=all")
    text = visible_text(searched)
    assert ("2 tasks of archived projects match" in text, "closed task" in text) == (True, False)
    assert 'of archived projects match: <a href="?search=analytics&amp;category=all">show' in searched.content.decode()
    assert set(re.findall(r"OLD-\d", visible_text(everything))) == {"OLD-1", "OLD-2"}
    for query in ("", "?search=analytics&category=all", "?search=analytics&project=OPS", "?search=nothing"):
        assert "of archived projects" not in visible_text(browser.get(f"/tasks/{query}"))
    assert "of archived projects" not in visible_text(browser.get("/projects/OLD/?search=analytics"))
