"""Comment texts of the demo team, by occasion; `{handle}` is another member's handle."""

from __future__ import annotations

SOFTWARE = {
    "started": (
        "Starting on this now.",
        "I take this one. @{handle}, please shout if you already have something lying around.",
        "Reproduced it on staging, so at least it is not only the customer's machine.",
        "Had a first look: smaller than we thought in planning, I will do it this week.",
        "Before I begin: @{handle}, is the scope still what we wrote down?",
    ),
    "question": (
        "@{handle} could you look over this before I go on? The open point is in the second paragraph.",
        "@{handle} I need access for the next step, can you help?",
        "Waiting for an answer from the supplier; I will ask again tomorrow.",
        "@{handle} should this go out before Tuesday or can it wait for the next release?",
        "Half of it works. The rest depends on the numbers from @{handle}.",
        "Notes from the call:\n\n- keep the old way behind a switch for two weeks\n- tell support a day before\n- measure",
    ),
    "done": (
        "Done and checked twice. I will keep an eye on it until tomorrow.",
        "Live since this morning, nothing unusual so far.",
        "Verified together with support, closing.",
        "Finished. The notes are in the wiki; @{handle} knows where.",
        "Rolled out. Before: 1.9 s, after: 0.6 s on the slow laptop.",
    ),
    "reopened": (
        "It came back this morning, so I open this again. @{handle} has the log.",
        "Not quite: it fails when the name has an apostrophe.",
        "Two customers still see the old behaviour. Opening again.",
    ),
    "cancelled": (
        "We agreed in planning not to do this: too much work for what it brings.",
        "Solved by something else in the meantime, closing without doing it.",
        "Nobody has asked for this since spring. Dropping it; @{handle} agrees.",
    ),
}
HIRING = {
    "started": (
        "I take care of this. @{handle}, which two slots suit you this week?",
        "Started; the template from the last round still fits.",
        "First feedback should be here by Thursday.",
    ),
    "question": (
        "@{handle} could you write two sentences about the team? I do not want to make it up.",
        "Waiting for an answer by phone, will try again after lunch.",
        "@{handle} what did you think? I am leaning towards yes.",
        "Salary range is confirmed, we may say it in the advertisement.",
    ),
    "done": (
        "Done, everyone concerned has had an answer.",
        "Went well. Notes are in the folder, @{handle} please add yours.",
        "Signed and filed.",
    ),
    "reopened": ("The date had to be moved, opening again.", "We need a second round after all. @{handle} joins."),
    "cancelled": ("Withdrawn by the candidate, friendly call.", "We fill this position next quarter instead."),
}
DESCRIPTIONS = (
    "",
    "",
    "",
    "Came up in the weekly meeting. Keep it small: the first useful version is enough.",
    "Support hears about this about twice a week.\n\n**Done when** nobody has to explain it on the phone any more.",
    "## What we know\n\n- happens since the last release\n- only for some customers\n- there is a workaround, but nobody likes it",
    "Two steps:\n\n1. find out how often it happens\n2. decide whether it is worth more than a day",
    "Agreed with the team. Please write down what you learn on the way, the next person will thank you.",
    "See the notes of the last review. If it takes longer than the estimate, stop and talk to us.",
    "**Why now:** it blocks two other things on the board.",
)


def phrases_for(project_key: str) -> dict[str, tuple[str, ...]]:
    """Return the texts of a project by occasion: started, question, done, reopened, cancelled."""
    return HIRING if project_key == "HIRE" else SOFTWARE
