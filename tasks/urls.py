from django.urls import path

from tasks import views

urlpatterns = [
    path("tasks/", views.task_list, name="task-list"),
    path("tasks/new/", views.new_task, name="task-new"),
    path("tasks/<str:key>/", views.task_page, name="task-page"),
    path("tasks/<str:key>/status/", views.set_status, name="task-status"),
    path("tasks/<str:key>/delete/", views.delete_task, name="task-delete"),
    path("tasks/<str:key>/subtasks/", views.add_subtask, name="subtask-add"),
    path("tasks/<str:key>/access/", views.task_access, name="task-access"),
    path("tasks/<str:key>/shares/", views.share_task, name="share-add"),
    path("tasks/<str:key>/shares/<uuid:user_id>/", views.change_share, name="share-change"),
    path("tasks/<str:key>/shares/<uuid:user_id>/remove/", views.unshare_task, name="share-remove"),
    path("tasks/<str:key>/comments/", views.add_comment, name="comment-add"),
    path("tasks/<str:key>/comments/<uuid:comment_id>/", views.edit_comment, name="comment-edit"),
    path("tasks/<str:key>/comments/<uuid:comment_id>/delete/", views.delete_comment, name="comment-delete"),
    path("projects/", views.project_list, name="project-list"),
    path("projects/new/", views.new_project, name="project-new"),
    path("projects/<str:key>/", views.project_page, name="project-page"),
    path("projects/<str:key>/edit/", views.edit_project, name="project-edit"),
    path("projects/<str:key>/teams/", views.add_team, name="team-add"),
    path("projects/<str:key>/teams/<uuid:team_id>/", views.change_team, name="team-change"),
    path("projects/<str:key>/teams/<uuid:team_id>/remove/", views.remove_team, name="team-remove"),
    path("projects/<str:key>/members/", views.add_member, name="member-add"),
    path("projects/<str:key>/members/<uuid:user_id>/", views.change_member, name="member-change"),
    path("projects/<str:key>/members/<uuid:user_id>/remove/", views.remove_member, name="member-remove"),
    path("projects/<str:key>/invitations/", views.invite, name="project-invite"),
    path("import/", views.import_tasks, name="import"),
]
