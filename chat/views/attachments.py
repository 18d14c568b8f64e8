"""Pictures of a question: upload, look at, take back. JSON, for the page's scripts."""

import logging
from http import HTTPStatus
from pathlib import Path, PurePath
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload, TemporaryFileUploadHandler
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils.cache import patch_cache_control
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from accounts.addresses import client_address
from accounts.roles import is_support_staff
from chat.attachments import keeping
from chat.attachments.errors import AttachmentError, NoFile, StorageFull, UploadTooLarge
from chat.errors import NotFound
from chat.models import Attachment
from chat.visitors import visitor_of

MEGABYTE = 1024 * 1024
FIELD = "file"
CACHE_S = 3600

logger = logging.getLogger(__name__)


class _Quota(FileUploadHandler):
    """Stops an upload that is larger than a picture may be, before it is written down."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.received = 0

    @property
    def is_passed(self) -> bool:
        return self.received > settings.MAX_IMAGE_MB * MEGABYTE

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received += len(raw_data)
        if self.is_passed:
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


@csrf_exempt  # only until the upload is limited: reading the token reads the body
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Check a picture, encode it anew and keep it until it is sent."""
    quota = _Quota(request)
    request.upload_handlers = [quota, TemporaryFileUploadHandler(request)]
    try:
        return _add(request, quota)
    except UnreadablePostError:  # the browser went away
        raise
    except OSError as exc:  # where uploads are written down first
        logger.error("an upload could not be written down: %s", exc)
        return _refusal(StorageFull(str(exc)))


@csrf_protect
def _add(request: HttpRequest, quota: _Quota) -> HttpResponse:
    visitor = visitor_of(request.user, request.session)
    try:
        keeping.check_may_add(visitor, client_address(request))
        file = request.FILES.get(FIELD)
        if quota.is_passed:
            raise UploadTooLarge(settings.MAX_IMAGE_MB)
        if not isinstance(file, TemporaryUploadedFile):
            raise NoFile(f"no field {FIELD}")
        attachment = keeping.add(visitor, file.name or "", Path(file.temporary_file_path()))
    except (AttachmentError, NotFound) as error:
        return _refusal(error)
    return JsonResponse(attachment.item, status=HTTPStatus.CREATED)


def _refusal(error: AttachmentError | NotFound) -> JsonResponse:
    status = error.status if isinstance(error, AttachmentError) else HTTPStatus.NOT_FOUND
    return JsonResponse({"code": error.code, "user_message": str(error.user_message)}, status=status)


@require_http_methods(["GET", "HEAD", "DELETE"])
def attachment(request: HttpRequest, attachment_id: UUID) -> HttpResponse:
    """Show a picture to its owner and to support staff; take back one that was not sent."""
    if request.method == "DELETE":
        return _remove(request, attachment_id)
    found = _seen_by(request).filter(pk=attachment_id).first()
    if found is None:
        raise Http404
    try:
        data = found.path.read_bytes()
    except FileNotFoundError as exc:
        raise Http404 from exc
    response = HttpResponse(data, content_type=found.media_type)
    name = f"{PurePath(found.name).stem}{found.path.suffix}"
    response["Content-Disposition"] = content_disposition_header(False, name) or "inline"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    patch_cache_control(response, private=True, max_age=CACHE_S)
    return response


def _seen_by(request: HttpRequest) -> QuerySet[Attachment]:
    mine = Attachment.objects.for_visitor(visitor_of(request.user, request.session))
    if is_support_staff(request.user):
        return mine | Attachment.objects.exclude(message=None)  # what transcripts show
    return mine


def _remove(request: HttpRequest, attachment_id: UUID) -> HttpResponse:
    try:
        keeping.remove(visitor_of(request.user, request.session), attachment_id)
    except (AttachmentError, NotFound) as error:
        return _refusal(error)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
