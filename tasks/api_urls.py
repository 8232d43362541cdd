from django.urls import path

from tasks.attachments import api as attachments_api
from tasks.bulk import api as bulk_api
from tasks.calendar_feed import api as calendar_feed_api
from tasks.checklists import api as checklists_api
from tasks.comments import api as comments_api
from tasks.custom_fields import api as fields_api
from tasks.duplication import api as duplication_api
from tasks.favourites import api as favourites_api
from tasks.history import api as history_api
from tasks.imports import api as imports_api
from tasks.items import api as items_api
from tasks.link_shares import api as link_shares_api
from tasks.members import api as members_api
from tasks.moving import api as moving_api
from tasks.projects import api as projects_api
from tasks.quick_add import api as quick_add_api
from tasks.reactions import api as reactions_api
from tasks.recurrence import api as recurrence_api
from tasks.relations import api as relations_api
from tasks.reminders import api as reminders_api
from tasks.sample_project import api as sample_project_api
from tasks.saved_filters import api as saved_filters_api
from tasks.sections import api as sections_api
from tasks.sharing import api as sharing_api
from tasks.suggestions import api as suggestions_api
from tasks.task_templates import api as templates_api
from tasks.time_tracking import api as time_api
from tasks.trash import api as trash_api
from tasks.undo import api as undo_api
from tasks.watching import api as watching_api

urlpatterns = [
    path("sample-project/", sample_project_api.SampleProjectView.as_view()),
    path("projects/", projects_api.ProjectsView.as_view()),
    path("projects/<str:ref>/", projects_api.ProjectView.as_view()),
    path("projects/<str:ref>/archive/", projects_api.ArchiveView.as_view()),
    path("projects/<str:ref>/favourite/", favourites_api.FavouriteView.as_view()),
    path("projects/<str:ref>/favourite/move/", favourites_api.MoveFavouriteView.as_view()),
    path("projects/<str:ref>/unfavourite/", favourites_api.UnfavouriteView.as_view()),
    path("projects/<str:ref>/imports/", imports_api.ImportsView.as_view()),
    path("projects/<str:ref>/imports/<uuid:import_id>/", imports_api.ImportView.as_view()),
    path("projects/<str:ref>/invitations/", members_api.ProjectInvitationsView.as_view()),
    path("projects/<str:ref>/members/", members_api.MembersView.as_view()),
    path("projects/<str:ref>/members/<uuid:user_id>/", members_api.MemberView.as_view()),
    path("projects/<str:ref>/teams/", members_api.ProjectTeamsView.as_view()),
    path("projects/<str:ref>/teams/<uuid:team_id>/", members_api.ProjectTeamView.as_view()),
    path("projects/<str:ref>/sections/", sections_api.SectionsView.as_view()),
    path("projects/<str:ref>/sections/<uuid:section_id>/", sections_api.SectionView.as_view()),
    path("projects/<str:ref>/templates/", templates_api.TaskTemplatesView.as_view()),
    path("projects/<str:ref>/templates/<uuid:template_id>/", templates_api.TaskTemplateView.as_view()),
    path("projects/<str:ref>/templates/<uuid:template_id>/tasks/", templates_api.TemplateTasksView.as_view()),
    path("projects/<str:ref>/states/", projects_api.StatesView.as_view()),
    path("projects/<str:ref>/states/<uuid:state_id>/", projects_api.StateView.as_view()),
    path("projects/<str:ref>/fields/", fields_api.ProjectFieldsView.as_view()),
    path("projects/<str:ref>/fields/<uuid:field_id>/", fields_api.ProjectFieldView.as_view()),
    path("projects/<str:ref>/fields/<uuid:field_id>/move/", fields_api.MoveFieldView.as_view()),
    path("projects/<str:ref>/shared-fields/", fields_api.LinkedFieldsView.as_view()),
    path("projects/<str:ref>/shared-fields/<uuid:shared_field_id>/", fields_api.LinkedFieldView.as_view()),
    path("fields/", fields_api.SharedFieldsView.as_view()),
    path("fields/<uuid:shared_field_id>/", fields_api.SharedFieldView.as_view()),
    path("fields/<uuid:field_id>/options/", fields_api.OptionsView.as_view()),
    path("fields/<uuid:field_id>/options/<uuid:option_id>/", fields_api.OptionView.as_view()),
    path("labels/", projects_api.LabelsView.as_view()),
    path("labels/<uuid:label_id>/", projects_api.LabelView.as_view()),
    path("filters/suggestions/", suggestions_api.FilterSuggestionsView.as_view()),
    path("filters/parse/", saved_filters_api.ParseView.as_view()),
    path("saved-filters/", saved_filters_api.SavedFiltersView.as_view()),
    path("saved-filters/<uuid:filter_id>/", saved_filters_api.SavedFilterView.as_view()),
    path("saved-filters/<uuid:filter_id>/tasks/", saved_filters_api.SavedFilterTasksView.as_view()),
    path("saved-filters/<uuid:filter_id>/subscription/", saved_filters_api.SubscriptionView.as_view()),
    path("tasks/", items_api.TasksView.as_view()),
    path("tasks/parse/", quick_add_api.ParseView.as_view()),
    path("tasks/quick-add/", quick_add_api.QuickAddView.as_view()),
    path("tasks/stats/", items_api.StatsView.as_view()),
    path("tasks/bulk/", bulk_api.BulkUpdateView.as_view()),
    path("tasks/bulk/delete/", bulk_api.BulkDeletionView.as_view()),
    path("tasks/bulk/<uuid:job_id>/", bulk_api.BulkJobView.as_view()),
    path("tasks/<str:ref>/", items_api.TaskView.as_view()),
    path("tasks/<str:ref>/move/", items_api.MoveView.as_view()),
    path("tasks/<str:ref>/move-to-project/", moving_api.MoveToProjectView.as_view()),
    path("tasks/<str:ref>/move-to-project/preview/", moving_api.MovePreviewView.as_view()),
    path("tasks/<str:ref>/activity/", items_api.ActivityView.as_view()),
    path("me/calendar-feed/", calendar_feed_api.CalendarFeedView.as_view()),
    path("me/timer/", time_api.TimerView.as_view()),
    path("tasks/<str:ref>/timer/start/", time_api.StartTimerView.as_view()),
    path("tasks/<str:ref>/timer/stop/", time_api.StopTimerView.as_view()),
    path("tasks/<str:ref>/time-entries/", time_api.TimeEntriesView.as_view()),
    path("tasks/<str:ref>/time-entries/<uuid:time_entry_id>/", time_api.TimeEntryView.as_view()),
    path("tasks/<str:ref>/fields/", fields_api.TaskFieldsView.as_view()),
    path("tasks/<str:ref>/shares/", sharing_api.SharesView.as_view()),
    path("tasks/<str:ref>/shares/<uuid:user_id>/", sharing_api.ShareView.as_view()),
    path("explain-access/", sharing_api.ExplainAccessView.as_view()),
    path("tasks/<str:ref>/links/", link_shares_api.LinkSharesView.as_view()),
    path("tasks/<str:ref>/links/<uuid:link_id>/", link_shares_api.LinkShareView.as_view()),
    path("tasks/<str:ref>/duplicate/", duplication_api.DuplicateView.as_view()),
    path("tasks/<str:ref>/watchers/", watching_api.WatchersView.as_view()),
    path("tasks/<str:ref>/watch/", watching_api.WatchView.as_view()),
    path("tasks/<str:ref>/unwatch/", watching_api.UnwatchView.as_view()),
    path("tasks/<str:ref>/relations/", relations_api.RelationsView.as_view()),
    path("tasks/<str:ref>/relations/<uuid:relation_id>/", relations_api.RelationView.as_view()),
    path("tasks/<str:ref>/checklist/", checklists_api.ChecklistView.as_view()),
    path("tasks/<str:ref>/checklist/<uuid:item_id>/", checklists_api.ChecklistItemView.as_view()),
    path("tasks/<str:ref>/checklist/<uuid:item_id>/convert/", checklists_api.ConvertChecklistItemView.as_view()),
    path("tasks/<str:ref>/convert-to-item/", checklists_api.ConvertTaskView.as_view()),
    path("tasks/<str:ref>/comments/", comments_api.CommentsView.as_view()),
    path("tasks/<str:ref>/comments/<uuid:comment_id>/", comments_api.CommentView.as_view()),
    path("tasks/<str:ref>/reactions/", reactions_api.TaskReactionsView.as_view()),
    path("tasks/<str:ref>/reactions/<str:emoji>/", reactions_api.TaskReactionView.as_view()),
    path("tasks/<str:ref>/comments/<uuid:comment_id>/reactions/", reactions_api.CommentReactionsView.as_view()),
    path(
        "tasks/<str:ref>/comments/<uuid:comment_id>/reactions/<str:emoji>/",
        reactions_api.CommentReactionView.as_view(),
    ),
    path("tasks/<str:ref>/attachments/", attachments_api.AttachmentsView.as_view()),
    path("tasks/<str:ref>/attachments/<uuid:attachment_id>/", attachments_api.AttachmentView.as_view()),
    path("tasks/<str:ref>/attachments/<uuid:attachment_id>/content/", attachments_api.AttachmentContentView.as_view()),
    path(
        "tasks/<str:ref>/attachments/<uuid:attachment_id>/thumbnail/",
        attachments_api.AttachmentThumbnailView.as_view(),
    ),
    path("tasks/<str:ref>/recurrence/", recurrence_api.RecurrenceView.as_view()),
    path("recurrence/preview/", recurrence_api.PreviewView.as_view()),
    path("tasks/<str:ref>/reminders/", reminders_api.RemindersView.as_view()),
    path("tasks/<str:ref>/reminders/<uuid:reminder_id>/", reminders_api.ReminderView.as_view()),
    path("tasks/<str:ref>/comments/<uuid:comment_id>/versions/", history_api.CommentVersionsView.as_view()),
    path("tasks/<str:ref>/versions/", history_api.DescriptionVersionsView.as_view()),
    path("trash/", trash_api.TrashView.as_view()),
    path("trash/<uuid:entry_id>/", trash_api.TrashEntryView.as_view()),
    path("trash/<uuid:entry_id>/restore/", trash_api.RestoreView.as_view()),
    path("undo/", undo_api.UndoView.as_view()),
]
