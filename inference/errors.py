"""What can go wrong in an engine or an embedder.

EngineError                 code engine_error
├── EngineUnavailable       engine_unavailable   not installed, not reachable, not loaded (retryable)
├── EngineBusy              engine_busy          no free slot, upstream 429 or 503 (retryable)
├── EngineTimeout           engine_timeout       no token in time (retryable)
├── EngineCrashed           engine_crashed       the child process or connection died in mid-reply (retryable)
├── StreamInterrupted       stream_interrupted   the stream ended without a finish reason (retryable)
├── CannotContinue          cannot_continue      the beginning given is not one it would write (retryable)
├── ModelNotFound           model_not_found      folder or remote model missing
├── ModelBroken             model_broken         files unusable: wrong format, half-copied, no template
├── ContextTooLong          context_too_long     prompt and answer do not fit
│   └── PicturesTooLong       pictures_too_long    … because of the pictures of the question
├── BadRequest              bad_request          an option the engine refuses
│   ├── ImagesNotSupported    no_vision            images for a model that reads text only
│   ├── ImageRefused          bad_image            an image the model's own processor cannot read
│   └── GuidanceNotSupported  no_guidance          a schema or expression for an engine that cannot hold to it
├── NotAuthorised           not_authorised       upstream 401 or 403
├── ServiceRetired          service_retired      upstream 410: the service exists no more
└── ContentRefused          content_refused      the upstream's content filter said no

`str(error)` is for the log. `user_message` is one sentence a person can act on, in English;
the edge that shows it translates it.
"""


class EngineError(Exception):
    """Base of everything an engine or embedder raises."""

    code = "engine_error"
    retryable = False
    user_message = "The model could not answer. Try again, or ask an administrator."


class EngineUnavailable(EngineError):
    """The engine is not installed, not reachable or not loaded."""

    code = "engine_unavailable"
    retryable = True
    user_message = "The model is not available right now. Your question is kept. Try again in a minute."


class EngineBusy(EngineError):
    """No free slot."""

    code = "engine_busy"
    retryable = True
    user_message = "The model is busy with other questions. Your question is kept. Try again in a minute."


class EngineTimeout(EngineError):
    """No token came in time."""

    code = "engine_timeout"
    retryable = True
    user_message = "The model took too long. Your question is kept. Try again."


class EngineCrashed(EngineError):
    """The process or connection that was writing died."""

    code = "engine_crashed"
    retryable = True
    user_message = "The model stopped unexpectedly and is being restarted. Your question is kept. Try again."


class StreamInterrupted(EngineError):
    """The stream ended without saying why."""

    code = "stream_interrupted"
    retryable = True
    user_message = "The answer broke off. What was written is kept. Try again."


class CannotContinue(EngineError):
    """The engine would not have begun its answer with the prefix it is asked to continue."""

    code = "cannot_continue"
    retryable = True
    user_message = "The answer broke off. What was written is kept. Try again."


class ModelNotFound(EngineError):
    """The model's files, or the remote model, do not exist."""

    code = "model_not_found"
    user_message = "The model of this assistant is not installed. An administrator can install it."


class ModelBroken(EngineError):
    """The model's files are there but cannot be used."""

    code = "model_broken"
    user_message = "The files of this assistant’s model are damaged. An administrator can install it again."


class ContextTooLong(EngineError):
    """Prompt and answer do not fit into the context window."""

    code = "context_too_long"
    user_message = "This question is too long for the model. Shorten it, or start a new chat."


class PicturesTooLong(ContextTooLong):
    """The question would fit without its pictures."""

    code = "pictures_too_long"
    user_message = (
        "The pictures of this question take up all the room the model has. "
        "Ask with fewer pictures, or about one at a time."
    )


class BadRequest(EngineError):
    """The engine refuses an option of the request."""

    code = "bad_request"
    user_message = "The assistant’s settings do not fit its model. An administrator can change them."


class ImagesNotSupported(BadRequest):
    """The prompt holds images and the model reads text only."""

    code = "no_vision"
    user_message = (
        "The model of this assistant reads text only and cannot see pictures. "
        "Ask again without the picture, or ask an administrator for a model that can see."
    )


class ImageRefused(BadRequest):
    """The model's own processor cannot read an image."""

    code = "bad_image"
    user_message = "The model could not read this picture. Save it again as PNG or JPEG and attach it anew."


class GuidanceNotSupported(BadRequest):
    """The reply was to have a given shape and the engine cannot hold to one."""

    code = "no_guidance"
    user_message = (
        "This model cannot be held to a schema or a pattern. Choose another model, or leave it out."
    )


class NotAuthorised(EngineError):
    """The upstream refuses our credentials."""

    code = "not_authorised"
    user_message = "The model’s server refuses our key. An administrator can set a new one."


class ServiceRetired(EngineError):
    """The upstream service was shut down for good."""

    code = "service_retired"
    user_message = (
        "The service behind this assistant’s model was shut down. An administrator can choose another one."
    )


class ContentRefused(EngineError):
    """The upstream's content filter refused the question or the answer."""

    code = "content_refused"
    user_message = "The model’s server does not want to talk about this. Ask in other words."


def error_for(code: str, detail: str) -> EngineError:
    """Build the error with this code: how errors cross from a child process."""
    kinds: list[type[EngineError]] = [EngineError]
    while kinds:
        kind = kinds.pop()
        if kind.code == code:
            return kind(detail)
        kinds += kind.__subclasses__()
    return EngineError(f"{code}: {detail}")
