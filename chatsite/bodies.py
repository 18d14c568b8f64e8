"""Let daphne hand request bodies to Django unread.

Twisted, below daphne, reads every posted form into memory and takes it apart (nine times a file's size,
on the thread that serves everybody) to fill `Request.args`, which daphne never looks at.
"""

from daphne.http_protocol import WebRequest


def leave_forms_unread() -> None:
    """Replace the step that takes forms apart; doing so again changes nothing."""
    WebRequest.requestReceived = _receive


def _receive(request: WebRequest, command: bytes, path: bytes, version: bytes) -> None:
    """Begin to answer: what twisted does when a whole request is there, without reading its body."""
    request.content.seek(0)
    request.args = {}
    request.method, request.uri, request.clientproto = command, path, version
    request.path = path.partition(b"?")[0]
    request.process()
