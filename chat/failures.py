"""What a reader is told when a reply failed, by the failure's code, in the reader's language.

The sentences of engines stand in inference/errors.py in English, where there is no Django; here they are
again for translation (a test compares the two).
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.errors import Internal

SENTENCES: dict[str, str | Promise] = {
    "internal": Internal.user_message,
    "worker_lost": _("The answer was cut off more than once. Your question is kept. Try again."),
    "index_unavailable": _("The documents cannot be searched right now. Your question is kept. Try again."),
    "engine_error": _("The model could not answer. Try again, or ask an administrator."),
    "engine_unavailable": _(
        "The model is not available right now. Your question is kept. Try again in a minute."
    ),
    "engine_busy": _("The model is busy with other questions. Your question is kept. Try again in a minute."),
    "engine_timeout": _("The model took too long. Your question is kept. Try again."),
    "engine_crashed": _(
        "The model stopped unexpectedly and is being restarted. Your question is kept. Try again."
    ),
    "stream_interrupted": _("The answer broke off. What was written is kept. Try again."),
    "cannot_continue": _("The answer broke off. What was written is kept. Try again."),
    "model_not_found": _("The model of this assistant is not installed. An administrator can install it."),
    "model_broken": _(
        "The files of this assistant’s model are damaged. An administrator can install it again."
    ),
    "context_too_long": _("This question is too long for the model. Shorten it, or start a new chat."),
    "pictures_too_long": _(
        "The pictures of this question take up all the room the model has. "
        "Ask with fewer pictures, or about one at a time."
    ),
    "bad_request": _("The assistant’s settings do not fit its model. An administrator can change them."),
    "no_vision": _(
        "The model of this assistant reads text only and cannot see pictures. "
        "Ask again without the picture, or ask an administrator for a model that can see."
    ),
    "bad_image": _("The model could not read this picture. Save it again as PNG or JPEG and attach it anew."),
    "no_guidance": _(
        "This model cannot be held to a schema or a pattern. Choose another model, or leave it out."
    ),
    "not_authorised": _("The model’s server refuses our key. An administrator can set a new one."),
    "service_retired": _(
        "The service behind this assistant’s model was shut down. An administrator can choose another one."
    ),
    "content_refused": _("The model’s server does not want to talk about this. Ask in other words."),
}
NOT_RETRYABLE = frozenset(
    {
        "engine_error",
        "model_not_found",
        "model_broken",
        "context_too_long",
        "pictures_too_long",
        "bad_request",
        "no_vision",
        "bad_image",
        "no_guidance",
        "not_authorised",
        "service_retired",
        "content_refused",
    }
)


def sentence(code: str) -> str:
    """Return what to tell the reader; an unknown code gets the general sentence."""
    return str(SENTENCES.get(code, Internal.user_message))


def is_retryable(code: str) -> bool:
    """Whether trying again may help."""
    return code not in NOT_RETRYABLE
