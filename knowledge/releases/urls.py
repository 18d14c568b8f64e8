"""Addresses of a collection's draft, releases, golden questions and languages, under its slug."""

from django.urls import path

from knowledge.views import golden, languages, releases

urlpatterns = [
    path("release/", releases.release_page, name="release"),
    path("release/try/", releases.try_draft, name="release-try"),
    path("release/try/stop/", releases.stop_trying, name="release-try-stop"),
    path("release/progress/<int:run_id>/", releases.progress, name="release-progress"),
    path("release/publish/", releases.publish, name="release-publish"),
    path("release/<int:number>/back/", releases.roll_back, name="release-back"),
    path("release/off/", releases.stop, name="release-off"),
    path("release/banner/", releases.banner, name="draft-banner"),
    path("golden/", golden.golden_list, name="golden"),
    path("golden/new/", golden.new, name="golden-new"),
    path("golden/start/", golden.start, name="golden-start"),
    path("golden/import/", golden.take_in, name="golden-import"),
    path("golden/export/", golden.give_out, name="golden-export"),
    path("golden/<int:pk>/", golden.edit, name="golden-edit"),
    path("golden/<int:pk>/delete/", golden.delete, name="golden-delete"),
    path("golden/<int:pk>/accept/", golden.accept, name="golden-accept"),
    path("languages/", languages.board, name="languages"),
]
