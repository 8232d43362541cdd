from django.urls import path

from tasks.api import access, comments, imports, invitations, projects, tasks

urlpatterns = [
    path("projects/", projects.ProjectsView.as_view()),
    path("projects/<str:ref>/", projects.ProjectView.as_view()),
    path("projects/<str:ref>/archive/", projects.ArchiveView.as_view()),
    path("projects/<str:ref>/imports/", imports.ImportsView.as_view()),
    path("projects/<str:ref>/invitations/", invitations.ProjectInvitationsView.as_view()),
    path("projects/<str:ref>/members/", projects.MembersView.as_view()),
    path("projects/<str:ref>/members/<uuid:user_id>/", projects.MemberView.as_view()),
    path("projects/<str:ref>/teams/", access.ProjectTeamsView.as_view()),
    path("projects/<str:ref>/teams/<uuid:team_id>/", access.ProjectTeamView.as_view()),
    path("projects/<str:ref>/states/", projects.StatesView.as_view()),
    path("projects/<str:ref>/states/<uuid:state_id>/", projects.StateView.as_view()),
    path("labels/", projects.LabelsView.as_view()),
    path("labels/<uuid:label_id>/", projects.LabelView.as_view()),
    path("tasks/", tasks.TasksView.as_view()),
    path("tasks/stats/", tasks.StatsView.as_view()),
    path("tasks/<str:ref>/", tasks.TaskView.as_view()),
    path("tasks/<str:ref>/move/", tasks.MoveView.as_view()),
    path("tasks/<str:ref>/activity/", tasks.ActivityView.as_view()),
    path("tasks/<str:ref>/shares/", access.SharesView.as_view()),
    path("tasks/<str:ref>/shares/<uuid:user_id>/", access.ShareView.as_view()),
    path("explain-access/", access.ExplainAccessView.as_view()),
    path("tasks/<str:ref>/comments/", comments.CommentsView.as_view()),
    path("tasks/<str:ref>/comments/<uuid:comment_id>/", comments.CommentView.as_view()),
]
