"""Why an address or a file of a source was not taken, or a whole run ended.

SourceError              code source_error
├── BadAddress           code bad_address       no web address, or one that programs read differently
├── InternalAddress      code internal_address  leads to an address of an internal network
├── PortRefused          code port_refused      a port other than the web's own
├── HostUnknown          code host_unknown      the name has no address (retryable)
├── Unreachable          code unreachable       no connection (retryable)
├── NotTrusted           code not_trusted       no trust in its certificate (retryable)
├── TooSlow              code too_slow          not answered in time (retryable)
├── TooBig               code too_big           larger than a page may be
├── TooManyRedirects     code too_many_redirects
├── BadAnswer            code bad_answer        an answer that is none
│   └── OddStatus                               … that says neither yes nor what is wrong
├── TypeNotRead          code type_not_read     a picture, a program, …
├── PageGone             code page_gone         404 or 410
├── Forbidden            code forbidden         asks for a sign-in, or refuses
├── ServerFailing        code server_failing    its own mistake, or too busy (retryable)
├── RobotsRefuse         code robots            robots.txt asks programs to stay away
├── RobotsUnknown        code robots_unknown    robots.txt could not be read (retryable)
├── NotIndexed           code noindex           the page asks not to be kept
├── OtherSite            code other_site        leads to another site
├── LedOn                code led_on            leads to another page of the site now
├── SameContent          code same_content      says the same as another page of the source
├── RemovedHere          code removed_here      its document was deleted here by a person
├── OverLimit            code over_limit        more pages than the source may have
├── LinkedFile           code linked_file       a symbolic link; this and the next in folder_errors.py
├── FileUnreadable       code file_unreadable   the operating system does not let us
├── OddName              code odd_name          a name that cannot be kept
├── FolderUnreadable     code folder_unreadable the operating system does not let us (retryable)
├── FoldersOff           code folders_off       the operator allows no folder
├── FolderNotAllowed     code folder_not_allowed  outside of the folders the operator allows
├── FolderMissing        code folder_missing    not there (retryable)
├── FolderEmpty          code folder_empty      empty now, and it was not (retryable)
├── RunStopped           code cancelled         a person stopped it
├── RunLost              code worker_lost       the process that looked went away (retryable)
└── RunFailed            code internal          our mistake; the traceback is in the log (retryable)
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from knowledge.errors import KnowledgeError


class SourceError(KnowledgeError):
    """Base of what this package raises. params: figures and names for the sentence."""

    code = "source_error"

    def __init__(self, detail: str = "", params: Mapping[str, str] | None = None) -> None:
        self.params = dict(params or {})
        super().__init__(detail or str(self.params or self.code))

    @property
    def user_message(self) -> str:
        """Return the sentence with its names filled in."""
        sentence = str(self.message)
        try:
            return sentence % self.params if self.params else sentence
        except (KeyError, ValueError, TypeError):  # names stored by another version of the site
            return sentence


class BadAddress(SourceError):
    """No web address, or one that two programs would read differently."""

    code = "bad_address"
    message = _("This is not the address of a web page. Write it as https://example.org/page.")


class InternalAddress(SourceError):
    """It leads to an address of an internal network."""

    code = "internal_address"
    message = _("That address leads into the internal network, which this site does not read.")


class PortRefused(SourceError):
    """It names a port other than the web's own."""

    code = "port_refused"
    message = _("That address names an unusual port. This site reads only the usual ones, 80 and 443.")


class HostUnknown(SourceError):
    """The name has no address."""

    code = "host_unknown"
    retryable = True
    message = _("There is no site of this name, or its name cannot be looked up right now.")


class Unreachable(SourceError):
    """No connection."""

    code = "unreachable"
    retryable = True
    message = _("The site could not be reached. Check the address, or try again later.")


class NotTrusted(SourceError):
    """No trust in its certificate."""

    code = "not_trusted"
    retryable = True
    message = _(
        "The site’s certificate is not valid or not one that this server trusts, so nothing was read. "
        "Tell whoever runs that site."
    )


class TooSlow(SourceError):
    """Not answered in time."""

    code = "too_slow"
    retryable = True
    message = _("The site did not answer in time.")


class TooBig(SourceError):
    """Larger than a page may be."""

    code = "too_big"
    message = _("The page is larger than %(limit)s MB.")


class TooManyRedirects(SourceError):
    """Sent on too often."""

    code = "too_many_redirects"
    message = _("The address leads from one redirect to the next.")


class BadAnswer(SourceError):
    """An answer that is none."""

    code = "bad_answer"
    message = _("The site gave an answer that could not be understood.")


class OddStatus(BadAnswer):
    """A status that says neither yes nor what is wrong."""


class TypeNotRead(SourceError):
    """A picture, a program, or anything else that has no text."""

    code = "type_not_read"
    message = _("Contents of this type are not read.")


class PageGone(SourceError):
    """The site says that there is no such page."""

    code = "page_gone"
    message = _("The page does not exist any more.")


class Forbidden(SourceError):
    """It asks for a sign-in, or refuses."""

    code = "forbidden"
    message = _("The page asks for a sign-in, or the site does not let this site read it.")


class ServerFailing(SourceError):
    """The site's own mistake, or it is too busy."""

    code = "server_failing"
    retryable = True
    message = _("The site has a problem of its own, or is too busy. Nothing was deleted.")


class RobotsRefuse(SourceError):
    """robots.txt asks programs to stay away."""

    code = "robots"
    message = _("The site’s robots.txt asks programs not to read it.")


class RobotsUnknown(SourceError):
    """robots.txt could not be read, so nothing else may be."""

    code = "robots_unknown"
    retryable = True
    message = _("The site’s robots.txt could not be read, so nothing else was.")


class NotIndexed(SourceError):
    """The page asks not to be kept."""

    code = "noindex"
    message = _("The page asks not to be kept by search engines (noindex).")


class OtherSite(SourceError):
    """It leads to another site."""

    code = "other_site"
    message = _("It leads to another site. Add that address as a source of its own.")


class LedOn(SourceError):
    """It leads to another page of the site now."""

    code = "led_on"
    message = _("It leads to another page of the site now. Its document stays as it was.")


class SameContent(SourceError):
    """It says the same as another page of the source."""

    code = "same_content"
    message = _("It says the same as %(other)s, which is read.")


class RemovedHere(SourceError):
    """Its document was deleted here by a person."""

    code = "removed_here"
    message = _("Its document was deleted here, so it is not added again.")


class OverLimit(SourceError):
    """The source may have no more pages."""

    code = "over_limit"
    message = _("The source has reached its limit. Raise “pages at most” to read it.")


class RunStopped(SourceError):
    """A person stopped it."""

    code = "cancelled"
    message = _("It was stopped before its end. What was read stays; nothing was deleted.")


class RunLost(SourceError):
    """The process that looked went away, more than once."""

    code = "worker_lost"
    retryable = True
    message = _("It was interrupted. It is looked at again at its next time.")


class RunFailed(SourceError):
    """Our mistake; the log has the traceback."""

    code = "internal"
    retryable = True
    message = _("Something went wrong on our side. Try again; if it happens again, tell an administrator.")
