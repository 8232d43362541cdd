"""API of teams and their members."""

from __future__ import annotations

import pytest

from accounts.models import Team, TeamMember
from accounts.tests.factories import TeamFactory, UserFactory
from core.testing.database_state import table_digests

TEAMS = "/api/v1/teams/"

pytestmark = pytest.mark.django_db


def test_team_creator_leads_the_team(clients, alice, outbox):
    response = clients["alice"].post(TEAMS, {"name": "  Support "})

    assert response.status_code == 201
    team = Team.objects.get()
    assert response["Location"] == f"{TEAMS}{team.pk}/"
    assert {k: response.json()[k] for k in ("name", "member_count", "version")} == {
        "name": "Support",
        "member_count": 1,
        "version": 1,
    }
    assert TeamMember.objects.get().role == "lead"
    assert outbox.only("team.created")["team"] == {"id": str(team.pk), "name": "Support"}


def test_team_name_is_unique_ignoring_case(clients, alice, team):
    before = table_digests()

    response = clients["alice"].post(TEAMS, {"name": "OPERATIONS"})

    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "taken")
    assert {name for name, value in table_digests().items() if value != before[name]} <= {"accounts_session"}


def test_team_rename_checks_the_version(clients, team):
    url, client = f"{TEAMS}{team.pk}/", clients["alice"]
    tag = client.get(url)["ETag"]

    first = client.patch(url, {"name": "Ops"}, headers={"If-Match": tag})
    stale = client.patch(url, {"name": "Other"}, headers={"If-Match": tag})
    nothing = client.patch(url, {})
    same = client.patch(url, {"name": "Ops"})
    stored = client.delete(url, headers={"If-Match": tag})

    assert [response.status_code for response in (first, stale, nothing, same, stored)] == [200, 412, 200, 200, 412]
    assert (same.json()["name"], same.json()["version"]) == ("Ops", 2)
    assert Team.objects.get().name == "Ops"


def test_team_rename_to_a_taken_name_is_refused(clients, team):
    TeamFactory(name="Support")

    response = clients["alice"].patch(f"{TEAMS}{team.pk}/", {"name": "support"})

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "name")
    team.refresh_from_db()
    assert (team.name, team.version) == ("Operations", 1)


def test_team_members_are_added_changed_and_removed(clients, team, mallory, outbox):
    url, client = f"{TEAMS}{team.pk}/members/", clients["alice"]

    added = client.post(url, {"user": str(mallory.pk)})
    raised = client.post(url, {"user": str(mallory.pk), "role": "lead"})
    listed = client.get(url).json()["results"]
    removed = client.delete(f"{url}{mallory.pk}/")
    again = client.delete(f"{url}{mallory.pk}/")

    assert [a.status_code for a in (added, raised, removed, again)] == [201, 201, 204, 404]
    assert [(row["user"]["handle"], row["role"]) for row in listed] == [
        ("alice", "lead"),
        ("bob", "member"),
        ("mallory", "lead"),
    ]
    assert outbox.names() == ["team.member_added", "team.member_added", "team.member_removed"]


def test_last_lead_of_a_team_cannot_leave(clients, alice, team):
    url, client = f"{TEAMS}{team.pk}/members/", clients["alice"]
    before = table_digests()

    responses = [client.delete(f"{url}{alice.pk}/"), client.post(url, {"user": str(alice.pk), "role": "member"})]

    assert [(a.status_code, a.json()["code"]) for a in responses] == [(409, "last_lead")] * 2
    assert {name for name, value in table_digests().items() if value != before[name]} <= {"accounts_session"}


def test_inactive_user_cannot_become_a_team_member(clients, team):
    gone = UserFactory(is_active=False)

    response = clients["alice"].post(f"{TEAMS}{team.pk}/members/", {"user": str(gone.pk)})

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "user")
    assert team.memberships.count() == 2


def test_team_list_holds_own_teams_and_all_for_staff(clients, team, bob, mallory, carol):
    TeamFactory(name="Zeta")

    names = {who: [t["name"] for t in clients[who].get(TEAMS).json()["results"]] for who in ("bob", "mallory", "carol")}

    assert names == {"bob": ["Operations"], "mallory": [], "carol": ["Operations", "Zeta"]}


def test_member_role_is_patched_while_a_lead_is_left(clients, team, alice, bob):
    members = f"{TEAMS}{team.pk}/members/"

    last = clients["alice"].patch(f"{members}{alice.pk}/", {"role": "member"})
    raised = clients["alice"].patch(f"{members}{bob.pk}/", {"role": "lead"})
    lowered = clients["bob"].patch(f"{members}{alice.pk}/", {"role": "member"})
    missing = clients["bob"].get(f"{members}{team.pk}/")

    assert [response.status_code for response in (last, raised, lowered, missing)] == [409, 200, 200, 404]
    assert (raised.json()["role"], raised.json()["version"]) == ("lead", 2)
    assert TeamMember.objects.get(user=alice).role == "member"
