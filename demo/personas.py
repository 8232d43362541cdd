"""Personas and projects of the demo data."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "taskflow-demo"


@dataclass(frozen=True, slots=True)
class Persona:
    email: str
    handle: str
    name: str
    role: str = "user"
    tier: str = "free"
    time_zone: str = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Workflow:
    """The states of a project in board order, each with its name and category."""

    states: tuple[tuple[str, str], ...]

    def states_in_category(self, category: str) -> list[str]:
        return [name for name, state_category in self.states if state_category == category]


@dataclass(frozen=True, slots=True)
class DemoProject:
    """A project to create; the first of `member_handles` owns it."""

    key: str
    name: str
    description: str
    member_handles: tuple[str, ...]
    workflow: Workflow
    labels: tuple[tuple[str, str], ...]


# Not staff: staff see every project, and the thousand tasks of the load test would dominate the charts.
MAYA = Persona("lead@example.com", "maya", "Maya Lindholm", tier="premium")
JONAS = Persona("member@example.com", "jonas", "Jonas Weber")
PRIYA = Persona("admin@example.com", "priya", "Priya Raman", role="admin", tier="premium", time_zone="Europe/London")
TOMAS = Persona("tomas@example.com", "tomas", "Tomás Ferreira", time_zone="Europe/Lisbon")
AIKO = Persona("aiko@example.com", "aiko", "Aiko Nakamura", tier="premium", time_zone="Asia/Tokyo")
TEAM_PERSONAS = (MAYA, JONAS, PRIYA, TOMAS, AIKO)
LOAD_TEST_PERSONA = Persona("load@example.com", "load", "Load Test", tier="load", time_zone="UTC")

PROJECTS = (
    DemoProject(
        key="OPS",
        name="Operations",
        description="Servers, backups, monitoring and everything that has to run at night.",
        member_handles=("maya", "tomas", "priya", "jonas"),
        workflow=Workflow(
            (
                ("Backlog", "todo"),
                ("Ready", "todo"),
                ("Doing", "in_progress"),
                ("Waiting", "in_progress"),
                ("Done", "done"),
                ("Dropped", "cancelled"),
            )
        ),
        labels=(
            ("incident", "#d1242f"),
            ("maintenance", "#8250df"),
            ("security", "#bf8700"),
            ("cost", "#1a7f37"),
            ("automation", "#0969da"),
        ),
    ),
    DemoProject(
        key="WEB",
        name="Web shop",
        description="The shop our customers see: catalogue, cart, checkout and account pages.",
        member_handles=("maya", "jonas", "aiko", "tomas"),
        workflow=Workflow(
            (
                ("Backlog", "todo"),
                ("In progress", "in_progress"),
                ("In review", "in_progress"),
                ("Done", "done"),
                ("Cancelled", "cancelled"),
            )
        ),
        labels=(
            ("bug", "#d1242f"),
            ("feature", "#0969da"),
            ("accessibility", "#8250df"),
            ("performance", "#bf8700"),
            ("tech debt", "#57606a"),
        ),
    ),
    DemoProject(
        key="MOB",
        name="Mobile app",
        description="The app for iOS and Android, released every second Tuesday.",
        member_handles=("aiko", "jonas", "maya"),
        workflow=Workflow(
            (
                ("Backlog", "todo"),
                ("In progress", "in_progress"),
                ("Testing", "in_progress"),
                ("Released", "done"),
                ("Cancelled", "cancelled"),
            )
        ),
        labels=(
            ("bug", "#d1242f"),
            ("feature", "#0969da"),
            ("ios", "#57606a"),
            ("android", "#1a7f37"),
            ("release", "#8250df"),
        ),
    ),
    DemoProject(
        key="HIRE",
        name="Hiring",
        description="From the job advertisement to the first day at work.",
        member_handles=("priya", "maya", "aiko"),
        workflow=Workflow(
            (
                ("Planned", "todo"),
                ("Under way", "in_progress"),
                ("Interviews", "in_progress"),
                ("Done", "done"),
                ("Withdrawn", "cancelled"),
            )
        ),
        labels=(("engineering", "#0969da"), ("support", "#1a7f37"), ("onboarding", "#8250df")),
    ),
)
