"""Why a file or a folder of the server was not read: the part of the tree in errors.py."""

from django.utils.translation import gettext_lazy as _

from knowledge.sources.errors import SourceError


class LinkedFile(SourceError):
    """A symbolic link."""

    code = "linked_file"
    message = _("Symbolic links are not followed.")


class FileUnreadable(SourceError):
    """The operating system does not let us."""

    code = "file_unreadable"
    message = _("The site may not read this file. Change who may, on the server.")


class OddName(SourceError):
    """A name that cannot be kept: in no encoding, or too long."""

    code = "odd_name"
    message = _("The file’s name is too long or not in UTF-8. Rename it to have it read.")


class FolderUnreadable(SourceError):
    """The operating system does not let us."""

    code = "folder_unreadable"
    retryable = True
    message = _("The site may not read this folder. Change who may, on the server. Nothing was deleted.")


class FoldersOff(SourceError):
    """The operator allows no folder."""

    code = "folders_off"
    message = _("Folders on the server are off. An operator names the allowed ones in SOURCE_FOLDERS.")


class FolderNotAllowed(SourceError):
    """Outside of the folders the operator allows."""

    code = "folder_not_allowed"
    message = _("This folder is not inside one that the operator allows.")


class FolderMissing(SourceError):
    """Not there."""

    code = "folder_missing"
    retryable = True
    message = _("There is no such folder on the server now. Nothing was deleted.")


class FolderEmpty(SourceError):
    """Empty now, and it was not: rather a disk that is not there than a wish."""

    code = "folder_empty"
    retryable = True
    message = _(
        "The folder is empty now, as if its disk were not connected. Nothing was deleted; "
        "to remove its documents, delete the source."
    )
