"""How a format says no inside the child process: a code and its figures, no sentences.

The parent turns a refusal into the error a person reads (`errors.build_error`).
"""

from __future__ import annotations

from knowledge.extract.types import FailureCode


class Refused(Exception):
    """The file cannot become text, for the reason `code`; `detail` is for the log alone."""

    def __init__(self, code: FailureCode, detail: str = "", **params: str | int) -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail
        self.params = params
