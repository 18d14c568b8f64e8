"""Log lines: one event, one line, whatever a user put into a name."""

import logging
import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class OneLineFormatter(logging.Formatter):
    """Escapes line breaks and control characters of the message; tracebacks keep their lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Format the message part on one line."""
        record.message = record.message.replace("\n", "\\n")
        return _CONTROL.sub("", super().formatMessage(record))
