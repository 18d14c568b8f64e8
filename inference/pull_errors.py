"""What can go wrong while a model is fetched; each message is a sentence a person can act on.

PullError                pull_failed           (an EngineError)
├── PullImpossible       pull_impossible       the engine cannot run this model, or nothing is published
├── SourceUnreachable    source_unreachable    no network, no answer, a server error (retryable)
├── SourceMissing        source_missing        the repository, revision, folder or tag does not exist
├── SourceForbidden      source_forbidden      gated or private: accept the licence, give a token
├── DiskFull             disk_full             not enough space, before or in the middle
├── ChecksumMismatch     checksum_mismatch     a file is not what the hub says (retryable)
├── PullInterrupted      pull_interrupted      broke off; the same command goes on from there (retryable)
│   └── PullStopped      pull_stopped          given up by whoever asked for it
└── TargetTaken          target_taken          a folder of that name is there and is not from a pull
"""

from inference.errors import EngineError


class PullError(EngineError):
    """Base of what a pull raises: its text is the message."""

    code = "pull_failed"

    def __init__(self, message: str) -> None:
        """Keep the sentence for the person as well as for the log."""
        super().__init__(message)
        self.user_message = message


class PullImpossible(PullError):
    """The engine cannot run the model."""

    code = "pull_impossible"


class SourceUnreachable(PullError):
    """Nothing answers where the files are."""

    code = "source_unreachable"
    retryable = True


class SourceMissing(PullError):
    """What was asked for does not exist there."""

    code = "source_missing"


class SourceForbidden(PullError):
    """The files are not for everybody."""

    code = "source_forbidden"


class DiskFull(PullError):
    """There is no room for the files."""

    code = "disk_full"


class ChecksumMismatch(PullError):
    """A file came through damaged."""

    code = "checksum_mismatch"
    retryable = True


class PullInterrupted(PullError):
    """The download broke off; what is there is kept."""

    code = "pull_interrupted"
    retryable = True


class PullStopped(PullInterrupted):
    """Whoever asked for it gave it up; what is there is kept."""

    code = "pull_stopped"
    retryable = False


class TargetTaken(PullError):
    """The folder is somebody's own."""

    code = "target_taken"
