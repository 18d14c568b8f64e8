"""What the pages of approved answers need of the chat: how an answer will read."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from chat.markdown import render_document
from knowledge.models import ApprovedAnswer


@login_required
@require_POST
def answer_preview(request: HttpRequest) -> HttpResponse:
    """Draw Markdown as a reader of the chat will see it; keeps nothing."""
    longest = ApprovedAnswer._meta.get_field("text").max_length
    return HttpResponse(render_document(request.POST.get("text", "")[:longest], []))
