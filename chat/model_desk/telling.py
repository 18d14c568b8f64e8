"""What an administrator is told of an engine or a pull, by the failure's code.

The exact words of the error stand below it in English, as in the log. What readers of a chat are told
is in chat/failures.py.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, str | Promise] = {
    "engine_error": _("The engine failed."),
    "engine_unavailable": _("The engine cannot be used right now."),
    "engine_busy": _("The engine is busy."),
    "engine_timeout": _("The engine took too long to answer."),
    "engine_crashed": _("The engine’s process ended unexpectedly."),
    "stream_interrupted": _("The answer broke off."),
    "model_not_found": _("No model is set up for this engine."),
    "model_broken": _(
        "The model’s files are damaged or incomplete. Remove the folder and download it again."
    ),
    "context_too_long": _("The question does not fit into the model’s context."),
    "pictures_too_long": _("The picture does not fit into the model’s context."),
    "bad_request": _("The engine refuses a setting of this request."),
    "no_vision": _("This model reads text only and cannot see pictures."),
    "bad_image": _("The model could not read this picture."),
    "no_guidance": _("This model cannot be held to a schema or a pattern."),
    "not_authorised": _("The server refuses the key."),
    "service_retired": _("This service was shut down. Choose another engine."),
    "content_refused": _("The server’s content filter refused this."),
    "index_unavailable": _("The documents cannot be searched right now."),
    "pull_failed": _("The download failed."),
    "pull_impossible": _("This model cannot be downloaded for this engine."),
    "source_unreachable": _("The place where the model is published cannot be reached. Check the network."),
    "source_missing": _("The model is not there any more under this name."),
    "source_forbidden": _("The model is not public: accept its terms there, then set HF_TOKEN."),
    "disk_full": _("There is not enough room on the disk."),
    "checksum_mismatch": _("A file came through damaged and was removed. Try again."),
    "pull_interrupted": _("The download broke off. What is here is kept: try again to go on."),
    "target_taken": _("A folder with this name is there already and was not made by a download."),
    "worker_lost": _("The worker ended more than once while this ran. Try again."),
}


def sentence(code: str) -> str:
    """Return the sentence for a failure; an unknown code gets the general one."""
    return str(SENTENCES.get(code, _("This failed unexpectedly. The log of the worker says why.")))
