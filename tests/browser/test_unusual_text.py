"""Unusual text on pages, small screens, touch and other keyboards."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import ApiKey, User
from accounts.tests.api_keys import create_api_key
from accounts.tests.factories import (
    InvitationFactory,
    SessionFactory,
    TeamFactory,
    TeamMemberFactory,
    UserFactory,
)
from notifications.tests.factories import make_notification
from tasks.comments import services as comments
from tasks.items import drafts
from tasks.items import services as items
from tasks.models import Label, State
from tasks.tests.factories import MemberFactory, ProjectFactory, ProjectTeamFactory, TaskShareFactory
from tests.browser.test_all_pages import PAGE_PATHS

WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
URL = "https://shop.example.org/products/garden/2027/spring/raised-bed-larch-120x80x40-with-cover-and-fittings?ref=mail"
ARABIC = "اتصل بـ API v2 (اختبار)!"
HEBREW = "שלום, זה תגובה (בעברית)."
TASK_PATHS = ("/tasks/OPS-2/", "/tasks/OPS-3/", "/tasks/OPS-4/", "/tasks/OPS-1/?edit", "/tasks/?category=all&search=x")

WIDE_ELEMENTS = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll("body *")].filter((element) => {
        const box = element.getBoundingClientRect();
        return box.width && box.right > innerWidth + 1 && getComputedStyle(element).position !== "fixed";
    }).map((element) => `${element.tagName}.${element.className?.baseVal ?? element.className}`).slice(0, 6)"""
# Text of the Hebrew and Arabic scripts outside of elements that are laid out from right to left.
LEFT_TO_RIGHT_TEXTS = """() => {
    const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode.data.trim(), parent = walker.currentNode.parentElement;
        if (!/^[\\u0590-\\u06ff]/.test(text) || parent.closest("option, textarea, script")) continue;
        const style = getComputedStyle(parent);
        if (style.direction !== "rtl" && style.unicodeBidi !== "plaintext") found.push(`${parent.outerHTML.slice(0, 80)}`);
    }
    const inputs = [...document.querySelectorAll("input:is([type=text], [type=search], :not([type])), textarea")];
    return found.concat(inputs.filter((input) => input.dir !== "auto" && !input.readOnly).map((input) => input.outerHTML));
}"""
SMALL_CONTROLS = """() => [...document.querySelectorAll("input, select, textarea, .button, button.inbox-title")].filter((control) => {
    if (["checkbox", "radio", "hidden"].includes(control.type) || !control.checkVisibility()) return false;
    const isText = !control.matches("button, .button");
    return control.offsetHeight < 44 || (isText && parseFloat(getComputedStyle(control).fontSize) < 16);
}).map((control) => control.outerHTML.slice(0, 100))"""


def create_workspace(text: str, *, names: str, title: str) -> User:
    """Create one of everything that has a name, all of them with this text; return an administrator."""
    ada = UserFactory(handle="ada", name=names[:120], role=User.Role.ADMIN, email=f"{'a' * 60}@{'b' * 60}.example")
    bob = UserFactory(handle="bob", name=f"{names[:100]} Bob")
    project = ProjectFactory(key="OPS", name=names[:120], owner=ada, description=text)
    ProjectFactory(key="EMPTY", name=f"{names[:100]} 2", owner=ada, description=text)
    MemberFactory(project=project, user=bob)
    State.objects.filter(project=project).update(name=names[:60])
    Label.objects.create(project=project, name=names[:60])
    team = TeamFactory(name=names[:80])
    TeamMemberFactory(team=team, user=bob)
    ProjectTeamFactory(project=project, team=team)
    SessionFactory(user=ada, user_agent=names, ip_address="2001:db8:1111:2222:3333:4444:5555:6666")
    InvitationFactory(inviter=ada, target=names[:100])
    ApiKey.objects.filter(pk=create_api_key(ada).key.pk).update(name=names[:60])
    make_notification(ada, body=text, title=title[:200], task_key="OPS-1", task_title=title, project_name=names[:120])
    now = timezone.now()
    made = [
        items.create(
            actor=ada,
            draft=drafts.TaskDraft(
                title=title, description=f"{text}\n\n- {text}\n\n`{text}`", priority=4, assignees=[bob.pk],
                labels=[names[:60]], due_date=timezone.localdate(),
            ),
            now=now,
            project_ref="OPS",
        )
        for _ in range(4)
    ]  # fmt: skip
    items.update(actor=ada, ref="OPS-2", changes={"parent": str(made[0].pk), "title": f"{title[:400]} 2"}, now=now)
    comments.add(actor=bob, ref="OPS-1", body=text, now=now)
    TaskShareFactory(task=made[0], user=UserFactory(handle="guest", name=names[:120]))
    return ada


@pytest.fixture
def workspace(clean_database):
    return create_workspace


def all_paths():
    return [path for paths in PAGE_PATHS.values() for path in paths] + [*TASK_PATHS, "/settings/api-keys/"]


def test_long_words_do_not_widen_pages(workspace, open_page, subtests):
    """Case f19 of the bug reports: a word and an address, neither of which fits a line."""
    page = open_page(workspace(f"{WORD * 3} {URL}", names=WORD, title=f"{WORD * 2} {URL}"), width=390)

    for path in all_paths():
        with subtests.test(path):
            page.goto(path)
            page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
            for width in (390, 320):
                page.set_viewport_size({"width": width, "height": 844})
                assert (width, page.evaluate(WIDE_ELEMENTS)) == (width, [])


@pytest.mark.parametrize("text", [ARABIC, HEBREW])
def test_text_from_right_to_left_is_laid_out_so(text, workspace, open_page, subtests):
    """Case f22 of the bug reports."""
    page = open_page(workspace(text, names=text, title=text))

    for path in all_paths():
        with subtests.test(path):
            page.goto(path)
            assert page.evaluate(LEFT_TO_RIGHT_TEXTS) == []
    page.goto("/tasks/OPS-1/")
    heading = page.locator("h1")
    assert heading.evaluate("(element) => getComputedStyle(element).direction") == "rtl"


@pytest.mark.parametrize(
    ("widths", "options"), [((390, 1024), {"has_touch": True, "is_mobile": True}), ((600,), {})], ids=["touch", "mouse"]
)
def test_controls_fit_fingers(widths, options, workspace, open_page, subtests):
    """Case f20 of the bug reports."""
    page = open_page(workspace("Text", names="Name", title="Title"), width=widths[0], **options)

    for path in all_paths():
        page.set_viewport_size({"width": widths[0], "height": 844})
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
        for width in widths:
            with subtests.test(f"{path} at {width} px"):
                page.set_viewport_size({"width": width, "height": 844})
                assert page.evaluate(SMALL_CONTROLS) == []


PRESS = """([key, code, shiftKey]) => document.body.dispatchEvent(
    new KeyboardEvent("keydown", { key, code, shiftKey, bubbles: true, cancelable: true }))"""


@pytest.mark.parametrize(
    ("new_task", "tasks", "search", "shortcuts"),
    [
        (("с", "KeyC"), (("п", "KeyG"), ("е", "KeyT")), ("/", "Backslash"), ("?", "Digit7")),
        (("C", "KeyC"), (("G", "KeyG"), ("T", "KeyT")), ("/", "Slash"), ("?", "Slash")),  # Caps Lock
        (("ψ", "KeyC"), (("γ", "KeyG"), ("τ", "KeyT")), ("/", "Slash"), ("?", "Slash")),
        (("ؤ", "KeyC"), (("ل", "KeyG"), ("ف", "KeyT")), ("ظ", "Slash"), ("؟", "Slash")),  # Arabic
        (("c", "KeyI"), (("g", "KeyU"), ("t", "KeyK")), ("/", "BracketLeft"), ("?", "BracketLeft")),  # Dvorak
    ],
)
def test_shortcuts_work_on_other_keyboards(new_task, tasks, search, shortcuts, sample_workspace, open_page):
    """Case f23 of the bug reports."""
    page = open_page(sample_workspace)
    page.goto("/")

    page.evaluate(PRESS, [*new_task, False])
    is_open = page.locator("#quick-add").is_visible()
    page.keyboard.press("Escape")
    page.evaluate(PRESS, [*search, False])
    focus = page.evaluate("document.activeElement.id")
    page.evaluate("document.activeElement.blur()")
    page.evaluate(PRESS, [*shortcuts, True])
    shows_help = page.locator("#shortcuts").is_visible()
    page.keyboard.press("Escape")
    for key in tasks:
        page.evaluate(PRESS, [*key, False])
    page.wait_for_url("**/tasks/")

    assert (is_open, focus, shows_help) == (True, "search", True)


def test_new_account_has_time_zone_of_browser(clean_database, open_page):
    page = open_page(None, timezone_id="America/New_York", locale="en-GB")
    page.goto("/register/")
    page.fill("[name=name]", "Nora")
    page.fill("[name=email]", "nora@example.com")
    page.fill("[name=password]", "a quiet river bends slowly")

    with page.expect_navigation():
        page.click("main button[type=submit]")

    assert User.objects.values_list("time_zone", "language").get(email="nora@example.com") == (
        "America/New_York",
        "en-gb",
    )
