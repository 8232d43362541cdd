from django.urls import path

from accounts.api import auth, people, teams

urlpatterns = [
    path("auth/register/", auth.RegisterView.as_view()),
    path("auth/login/", auth.LoginView.as_view()),
    path("auth/refresh/", auth.RefreshView.as_view()),
    path("auth/logout/", auth.LogoutView.as_view()),
    path("auth/logout-all/", auth.LogoutAllView.as_view()),
    path("me/", people.MeView.as_view()),
    path("sessions/", people.SessionsView.as_view()),
    path("sessions/<uuid:session_id>/", people.SessionView.as_view()),
    path("users/", people.UsersView.as_view()),
    path("users/<uuid:user_id>/", people.UserView.as_view()),
    path("teams/", teams.TeamsView.as_view()),
    path("teams/<uuid:team_id>/", teams.TeamView.as_view()),
    path("teams/<uuid:team_id>/members/", teams.TeamMembersView.as_view()),
    path("teams/<uuid:team_id>/members/<uuid:user_id>/", teams.TeamMemberView.as_view()),
]
