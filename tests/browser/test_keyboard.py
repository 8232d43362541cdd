"""Every page by the Tab key alone: focus is visible, reaches each control in reading order and is never trapped."""

from __future__ import annotations

from tests.browser.conftest import wait_until

# One page of each template. Lists are narrowed, because each control costs a key press.
PATHS = (
    "/?range=28",
    "/tasks/?search=task+1&project=OPS",
    "/tasks/new/",
    "/tasks/quick-add/",
    "/tasks/OPS-1/",
    "/tasks/OPS-1/delete/",
    "/tasks/OPS-1/access/",
    "/tasks/OPS-1/versions/",
    "/tasks/NOT-1/",
    "/filters/",
    "/filters/new/?filter=is:overdue",
    "/palette/?q=task&task=OPS-1",
    "/projects/",
    "/projects/new/",
    "/projects/OPS/edit/",
    "/projects/OPS/delete/",
    "/projects/OPS/fields/",
    "/projects/OPS/states/",
    "/projects/OPS/sections/",
    "/projects/OPS/templates/",
    "/projects/OPS/board/",
    "/projects/OPS/timeline/",
    "/projects/OPS/calendar/?view=month",
    "/calendar/?view=week",
    "/calendar/?view=agenda",
    "/reports/",
    "/reports/cycle-time/",
    "/reports/forecast/?remaining=50&people=2",
    "/inbox/",
    "/import/",
    "/trash/",
    "/people/",
    "/settings/",
    "/settings/notifications/",
    "/settings/security/",
    "/settings/sessions/",
    "/settings/calendar/",
    "/settings/privacy/",
)
SIGNED_OUT_PATHS = ("/login/", "/register/", "/password/reset/")
# Enough for the frame and the head of every page; what stands below repeats its rows.
MAX_PRESSES = 130
# Notes each element that gets the focus, with what a person would see of it.
OBSERVER = """
window.focused = [];
window.focusProblems = [];
document.addEventListener("focusin", ({ target }) => {
  const marked = [target, target.closest("label"), target.nextElementSibling, target.parentElement].filter(Boolean);
  const ring = marked.some((element) => getComputedStyle(element).outlineStyle !== "none");
  const box = target.getBoundingClientRect();
  const seen = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const name = target.outerHTML.slice(0, 120).replace(/\\s+/g, " ");
  if (!ring) focusProblems.push(`no focus ring: ${name}`);
  if (!seen) focusProblems.push(`focused outside the screen: ${name}`);
  focused.push(target);
});
"""
UNREACHED = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
  .filter((element) => element.tabIndex >= 0 && !element.disabled && element.checkVisibility({ visibilityProperty: true }))
  .filter((element) => element.type !== "radio" || element.checked)
  .filter((element) => !focused.includes(element))
  .map((element) => `not reached: ${element.outerHTML.slice(0, 120).replace(/\\s+/g, " ")}`)"""
# Each comes after the one before it, or begins the page again after an autofocused field.
OUT_OF_ORDER = """() => focused.slice(1).filter((element, index) =>
  element !== document.querySelector("a[href], button")
  && focused[index].compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING
).map((element) => `out of order: ${element.outerHTML.slice(0, 120)}`)"""


def tab_through(page, path):
    """Return what goes wrong when a person tabs through the page."""
    page.goto(path)
    for _ in range(MAX_PRESSES // 10):
        for _ in range(10):
            page.keyboard.press("Tab")
        if page.evaluate("focused.length > 1 && focused.indexOf(focused[0], 1) > 0"):
            page.evaluate("focused.splice(focused.indexOf(focused[0], 1))")
            problems = page.evaluate(UNREACHED)
            break
        if page.evaluate("focused.length > 10 && new Set(focused.slice(-10)).size < 3"):
            problems = [f"trapped: {page.evaluate('document.activeElement.outerHTML.slice(0, 120)')}"]
            break
    else:
        problems = []
    problems += page.evaluate("[...new Set(focusProblems)]") + page.evaluate(OUT_OF_ORDER)
    return [f"{path}: {problem}" for problem in problems[:5]]


def test_keyboard_reaches_every_control(sample_workspace, open_page):
    problems = []
    for user, paths in ((sample_workspace, PATHS), (None, SIGNED_OUT_PATHS)):
        page = open_page(user)
        page.add_init_script(OBSERVER)
        for path in paths:
            problems += tab_through(page, path)

    assert not problems, "\n".join(problems)


def test_dialogs_keep_and_return_the_focus(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/projects/OPS/board/")

    # The palette by its button, the keyboard sheet by its key, a menu by Enter.
    opener = page.locator("[data-palette-open], [data-open-palette]").first
    opener.focus()
    page.keyboard.press("Enter")
    wait_until(page, "document.activeElement.closest('#palette') !== null")
    for _ in range(4):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || document.activeElement.closest('#palette')")
    page.keyboard.press("Escape")
    assert opener.evaluate("(element) => element === document.activeElement")
    page.keyboard.press("?")
    wait_until(page, "document.getElementById('shortcuts').open || document.querySelector('#shortcuts:popover-open')")
    page.keyboard.press("Escape")
    assert opener.evaluate("(element) => element === document.activeElement")
    assert page.evaluate("violations") == []
