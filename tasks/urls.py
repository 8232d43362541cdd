from django.urls import path

from tasks.attachments import pages as attachments_pages
from tasks.board import pages as board_pages
from tasks.bulk import pages as bulk_pages
from tasks.calendar import pages as calendar_pages
from tasks.calendar_feed import pages as calendar_feed_pages
from tasks.checklists import pages as checklists_pages
from tasks.comments import pages as comments_pages
from tasks.custom_fields import pages as fields_pages
from tasks.duplication import pages as duplication_pages
from tasks.favourites import pages as favourites_pages
from tasks.filters import pages as filters_pages
from tasks.history import pages as history_pages
from tasks.home import pages as home_pages
from tasks.imports import pages as imports_pages
from tasks.inline_edit import pages as inline_edit_pages
from tasks.items import pages as items_pages
from tasks.link_shares import pages as link_shares_pages
from tasks.members import pages as members_pages
from tasks.moving import pages as moving_pages
from tasks.palette import pages as palette_pages
from tasks.projects import pages as projects_pages
from tasks.projects import state_pages
from tasks.quick_add import pages as quick_add_pages
from tasks.reactions import pages as reactions_pages
from tasks.recurrence import pages as recurrence_pages
from tasks.relations import pages as relations_pages
from tasks.reminders import pages as reminders_pages
from tasks.sample_project import pages as sample_project_pages
from tasks.saved_filters import pages as saved_filters_pages
from tasks.sections import pages as sections_pages
from tasks.sharing import pages as sharing_pages
from tasks.suggestions import pages as suggestions_pages
from tasks.task_templates import pages as templates_pages
from tasks.time_tracking import pages as time_pages
from tasks.timeline import pages as timeline_pages
from tasks.trash import pages as trash_pages
from tasks.undo import pages as undo_pages
from tasks.watching import pages as watching_pages

urlpatterns = [
    path("palette/", palette_pages.palette, name="palette"),
    path("tasks/", items_pages.task_list, name="task-list"),
    path("tasks/new/", items_pages.new_task, name="task-new"),
    path("tasks/columns/", home_pages.set_columns, name="list-columns"),
    path("settings/home/", home_pages.home_settings, name="settings-home"),
    path("tasks/bulk/", bulk_pages.update_selected, name="tasks-update"),
    path("tasks/bulk/<uuid:job_id>/", bulk_pages.bulk_job, name="bulk-job"),
    path("tasks/people/", filters_pages.people, name="filter-people"),
    path("tasks/quick-add/", quick_add_pages.quick_add, name="quick-add"),
    path("tasks/quick-add/preview/", quick_add_pages.preview, name="quick-add-preview"),
    path("tasks/suggestions/", suggestions_pages.task_suggestions, name="task-suggestions"),
    path("tasks/preview/", inline_edit_pages.preview_markdown, name="markdown-preview"),
    path("tasks/<str:key>/", items_pages.task_detail, name="task-detail"),
    path("tasks/<str:key>/cell/<str:field>/", inline_edit_pages.task_cell, name="task-cell"),
    path("tasks/<str:key>/menu/", inline_edit_pages.task_menu, name="task-menu"),
    path("tasks/<str:key>/delete/", items_pages.delete_task, name="task-delete"),
    path("tasks/<str:key>/subtasks/", items_pages.add_subtask, name="subtask-create"),
    path("tasks/<str:key>/access/", sharing_pages.task_access, name="task-access"),
    path("tasks/<str:key>/shares/", sharing_pages.share_task, name="share-add"),
    path("tasks/<str:key>/shares/<uuid:user_id>/", sharing_pages.update_share, name="share-update"),
    path("tasks/<str:key>/shares/<uuid:user_id>/remove/", sharing_pages.unshare_task, name="share-remove"),
    path("shared-task/", link_shares_pages.shared_task, name="shared-task"),
    path("tasks/<str:key>/links/", link_shares_pages.create_link, name="link-create"),
    path("tasks/<str:key>/links/<uuid:link_id>/revoke/", link_shares_pages.revoke_link, name="link-revoke"),
    path("tasks/<str:key>/duplicate/", duplication_pages.duplicate_task, name="task-duplicate"),
    path("tasks/<str:key>/move/", moving_pages.move_task, name="task-move"),
    path("tasks/<str:key>/watch/", watching_pages.watch_task, name="task-watch"),
    path("tasks/<str:key>/relations/", relations_pages.add_relation, name="relation-add"),
    path(
        "tasks/<str:key>/relations/<uuid:relation_id>/remove/", relations_pages.remove_relation, name="relation-remove"
    ),
    path("tasks/<str:key>/checklist/", checklists_pages.add_checklist_item, name="checklist-add"),
    path("tasks/<str:key>/checklist/<uuid:item_id>/", checklists_pages.update_checklist_item, name="checklist-update"),
    path(
        "tasks/<str:key>/checklist/<uuid:item_id>/delete/",
        checklists_pages.delete_checklist_item,
        name="checklist-delete",
    ),
    path(
        "tasks/<str:key>/checklist/<uuid:item_id>/convert/",
        checklists_pages.convert_checklist_item,
        name="checklist-convert",
    ),
    path("tasks/<str:key>/convert-to-item/", checklists_pages.convert_task, name="task-convert"),
    path("tasks/<str:key>/comments/", comments_pages.add_comment, name="comment-create"),
    path("tasks/<str:key>/comments/<uuid:comment_id>/", comments_pages.edit_comment, name="comment-update"),
    path("tasks/<str:key>/comments/<uuid:comment_id>/delete/", comments_pages.delete_comment, name="comment-delete"),
    path("tasks/<str:key>/reactions/", reactions_pages.set_reaction, name="reaction-set"),
    path("tasks/<str:key>/timer/start/", time_pages.start_timer, name="timer-start"),
    path("tasks/<str:key>/timer/stop/", time_pages.stop_timer, name="timer-stop"),
    path("tasks/<str:key>/time/", time_pages.add_time_entry, name="time-add"),
    path("tasks/<str:key>/time/<uuid:time_entry_id>/", time_pages.update_time_entry, name="time-update"),
    path("tasks/<str:key>/time/<uuid:time_entry_id>/delete/", time_pages.delete_time_entry, name="time-delete"),
    path("tasks/<str:key>/fields/", fields_pages.update_values, name="task-fields"),
    path("tasks/<str:key>/attachments/", attachments_pages.add_attachments, name="attachment-add"),
    path("tasks/<str:key>/attachments/<uuid:attachment_id>/", attachments_pages.attachment_detail, name="attachment"),
    path(
        "tasks/<str:key>/attachments/<uuid:attachment_id>/content/",
        attachments_pages.download,
        name="attachment-download",
    ),
    path(
        "tasks/<str:key>/attachments/<uuid:attachment_id>/thumbnail/",
        attachments_pages.thumbnail,
        name="attachment-thumbnail",
    ),
    path(
        "tasks/<str:key>/attachments/<uuid:attachment_id>/delete/",
        attachments_pages.delete_attachment,
        name="attachment-delete",
    ),
    path(
        "tasks/<str:key>/comments/<uuid:comment_id>/versions/",
        history_pages.comment_versions,
        name="comment-versions",
    ),
    path("tasks/<str:key>/versions/", history_pages.description_versions, name="task-versions"),
    path("filters/", saved_filters_pages.saved_filters, name="saved-filters"),
    path("filters/suggestions/", suggestions_pages.filter_suggestions, name="filter-suggestions"),
    path("filters/new/", saved_filters_pages.new_filter, name="saved-filter-new"),
    path("filters/<uuid:filter_id>/", saved_filters_pages.edit_filter, name="saved-filter-edit"),
    path("filters/<uuid:filter_id>/delete/", saved_filters_pages.delete_filter, name="saved-filter-delete"),
    path("filters/<uuid:filter_id>/subscription/", saved_filters_pages.subscribe, name="saved-filter-subscribe"),
    path("tasks/<str:key>/recurrence/", recurrence_pages.set_recurrence, name="recurrence-set"),
    path("tasks/<str:key>/recurrence/remove/", recurrence_pages.remove_recurrence, name="recurrence-remove"),
    path("tasks/<str:key>/recurrence/skip/", recurrence_pages.skip_occurrence, name="recurrence-skip"),
    path("tasks/<str:key>/reminders/", reminders_pages.add_reminder, name="reminder-add"),
    path(
        "tasks/<str:key>/reminders/<uuid:reminder_id>/delete/", reminders_pages.delete_reminder, name="reminder-delete"
    ),
    path("sample-project/", sample_project_pages.create_sample_project, name="sample-project"),
    path("projects/", projects_pages.project_list, name="project-list"),
    path("projects/new/", projects_pages.new_project, name="project-new"),
    path("projects/<str:key>/", projects_pages.project_detail, name="project-detail"),
    path("projects/<str:key>/timeline/", timeline_pages.timeline, name="project-timeline"),
    path("projects/<str:key>/timeline/dates/", timeline_pages.set_dates, name="timeline-dates"),
    path("calendar/", calendar_pages.calendar, name="calendar"),
    path("calendar/feed.ics", calendar_feed_pages.calendar_feed, name="calendar-feed"),
    path("settings/calendar/", calendar_feed_pages.feed_settings, name="settings-calendar"),
    path("settings/calendar/revoke/", calendar_feed_pages.revoke_feed, name="calendar-feed-revoke"),
    path("calendar/move/", calendar_pages.move_task, name="calendar-move"),
    path("projects/<str:key>/calendar/", calendar_pages.calendar, name="project-calendar"),
    path("projects/<str:key>/calendar/move/", calendar_pages.move_task, name="project-calendar-move"),
    path("projects/<str:key>/board/", board_pages.board, name="project-board"),
    path("projects/<str:key>/board/move/", board_pages.move_card, name="card-move"),
    path("projects/<str:key>/board/tasks/", board_pages.add_card, name="card-add"),
    path("projects/<str:key>/edit/", projects_pages.edit_project, name="project-edit"),
    path("projects/<str:key>/delete/", projects_pages.delete_project, name="project-delete"),
    path("projects/<str:key>/favourite/", favourites_pages.set_favourite, name="project-favourite"),
    path("projects/<str:key>/fields/", fields_pages.project_fields, name="project-fields"),
    path("projects/<str:key>/fields/<uuid:field_id>/move/", fields_pages.move_field, name="field-move"),
    path("projects/<str:key>/shared-fields/", fields_pages.link_field, name="field-link"),
    path(
        "projects/<str:key>/shared-fields/<uuid:shared_field_id>/remove/",
        fields_pages.unlink_field,
        name="field-unlink",
    ),
    path("fields/", fields_pages.shared_fields, name="shared-fields"),
    path("fields/<uuid:field_id>/", fields_pages.field_detail, name="field"),
    path("fields/<uuid:field_id>/delete/", fields_pages.delete_field, name="field-delete"),
    path("fields/<uuid:field_id>/options/", fields_pages.add_option, name="option-add"),
    path("fields/<uuid:field_id>/options/<uuid:option_id>/", fields_pages.update_option, name="option-update"),
    path("fields/<uuid:field_id>/options/<uuid:option_id>/delete/", fields_pages.delete_option, name="option-delete"),
    path("projects/<str:key>/sections/", sections_pages.project_sections, name="project-sections"),
    path("projects/<str:key>/sections/<uuid:section_id>/", sections_pages.update_section, name="section-update"),
    path("projects/<str:key>/sections/<uuid:section_id>/delete/", sections_pages.delete_section, name="section-delete"),
    path("tasks/<str:key>/template/", templates_pages.save_template, name="template-save"),
    path("projects/<str:key>/templates/", templates_pages.project_templates, name="project-templates"),
    path("projects/<str:key>/templates/<uuid:template_id>/", templates_pages.update_template, name="template-update"),
    path(
        "projects/<str:key>/templates/<uuid:template_id>/delete/",
        templates_pages.delete_template,
        name="template-delete",
    ),
    path("projects/<str:key>/templates/<uuid:template_id>/tasks/", templates_pages.use_template, name="template-use"),
    path("projects/<str:key>/states/", state_pages.project_states, name="project-states"),
    path("projects/<str:key>/states/<uuid:state_id>/", state_pages.update_state, name="state-update"),
    path("projects/<str:key>/states/<uuid:state_id>/delete/", state_pages.delete_state, name="state-delete"),
    path("projects/<str:key>/teams/", members_pages.add_team, name="project-team-add"),
    path("projects/<str:key>/teams/<uuid:team_id>/", members_pages.update_team, name="project-team-update"),
    path("projects/<str:key>/teams/<uuid:team_id>/remove/", members_pages.remove_team, name="project-team-remove"),
    path("projects/<str:key>/members/", members_pages.add_member, name="member-add"),
    path("projects/<str:key>/members/<uuid:user_id>/", members_pages.update_member, name="member-update"),
    path("projects/<str:key>/members/<uuid:user_id>/remove/", members_pages.remove_member, name="member-remove"),
    path("projects/<str:key>/invitations/", members_pages.invite, name="project-invite"),
    path("import/", imports_pages.import_tasks, name="task-import"),
    path("import/<uuid:import_id>/", imports_pages.import_job, name="task-import-job"),
    path("trash/", trash_pages.trash_list, name="trash"),
    path("trash/<uuid:entry_id>/restore/", trash_pages.restore_entry, name="trash-restore"),
    path("trash/<uuid:entry_id>/delete/", trash_pages.purge_entry, name="trash-purge"),
    path("undo/", undo_pages.undo, name="undo"),
]
