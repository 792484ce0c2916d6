"""What a failed check says of itself: its summary, annotations, failed steps and the end of its job's log."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, NotFoundError
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import PAGE_SIZE, GitHub
from tinytown.forges.github.conclusions import Evidence
from tinytown.forges.github.shapes import AnnotationShape, CheckRunShape, JobShape

T = TypeVar("T")

LOG_CHARS = 12_000
"""How much of the end of a log is handed over."""

_OWN_CHARS = 4_000
_ANNOTATIONS = 40
_MESSAGE_CHARS = 1_000
_LINES_BEFORE_ERROR = 120
_ACTIONS = "github-actions"
_ANSI = re.compile(r"\x1b(?:\[[0-9;?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,512}(?:\x07|\x1b\\)?)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ?")
_GROUP = re.compile(r"^##\[(?:group|endgroup)\]")
_ERROR = "##[error]"


class Logs:
    """Reads what there is to know of a failed check."""

    def __init__(self, client: GitHub, repository: Repository) -> None:
        self._client = client
        self._repository = repository

    def of(self, run: CheckRunShape) -> Evidence:
        """The evidence; not whole while the log of an Actions job is not there. What may not be read is left out."""
        if not is_job(run):
            return Evidence(output=_joined(_own(run), self._annotations(run)))
        with ThreadPoolExecutor(2, "evidence") as pool:  # an agent waits for it
            later = pool.submit(self._log, run), pool.submit(self._annotations, run)
            job = self._optional("/actions/jobs/{id}", JobShape, run)
            log, annotations = later[0].result(), later[1].result()
        parts = (_own(run), _failed_steps(job), annotations, f"The end of its log:\n{log}" if log else "")
        return Evidence(
            output=_joined(*parts), attempt=None if job is None else job.run_attempt, is_whole=log is not None
        )

    def _annotations(self, run: CheckRunShape) -> str:
        if not run.output.annotations_count:
            return ""
        path = self._repository.path("/check-runs/{id}/annotations", id=run.id)
        try:
            found = self._client.get(path, tuple[AnnotationShape, ...], {"per_page": PAGE_SIZE})
        except ForgeUnavailableError:
            raise
        except (NotFoundError, ForgeError):
            return ""
        ordered = sorted(found, key=lambda one: one.annotation_level != "failure")  # failures first
        lines = [annotation_line(one) for one in ordered[:_ANNOTATIONS]]
        left = max(run.output.annotations_count, len(found)) - len(lines)
        return "\n".join((*lines, *([f"({left} more annotations)"] if left > 0 else ())))

    def _log(self, run: CheckRunShape) -> str | None:
        """The cleaned end of the log: empty when there will never be one, None when it is not there yet."""
        try:
            reply = self._client.tail(self._repository.path("/actions/jobs/{id}/logs", id=run.id))
        except ForgeUnavailableError:
            raise
        except NotFoundError as error:
            return "" if error.evidence.get("status") == 410 else None  # noqa: PLR2004  the status is its own name
        except ForgeError:
            return ""  # of a fork, or not for this token
        return cleaned(reply.body.decode("utf-8", "replace"), is_cut=reply.is_cut)

    def _optional(self, template: str, type_: type[T], run: CheckRunShape) -> T | None:
        try:
            return self._client.get(self._repository.path(template, id=run.id), type_)
        except ForgeUnavailableError:
            raise
        except (NotFoundError, ForgeError):
            return None


def is_job(run: CheckRunShape) -> bool:
    """Whether it is a job of GitHub Actions; then its id is the job's id as well."""
    return run.app is not None and run.app.slug == _ACTIONS


def annotation_line(shape: AnnotationShape) -> str:
    """`path:line: level: title: message`, as compilers write."""
    place = ":".join(str(part) for part in (shape.path, shape.start_line) if part is not None)
    message = (shape.message or "").strip()
    if len(message) > _MESSAGE_CHARS:
        message = f"{message[:_MESSAGE_CHARS]}…"
    return ": ".join(part for part in (place, shape.annotation_level, shape.title, message) if part)


def cleaned(text: str, *, is_cut: bool = False) -> str:
    """The part of a job's log that tells why it failed: up to its last error, without colours and times.

    Args:
        text: the log, or its end.
        is_cut: whether the beginning is missing, and so perhaps half of the first line.
    """
    raw = text.splitlines()
    lines = [_clean_line(line) for line in (raw[1:] if is_cut else raw)]
    errors = [index for index, line in enumerate(lines) if line.startswith(_ERROR)]
    if errors:
        lines = lines[max(0, errors[0] - _LINES_BEFORE_ERROR) : errors[-1] + 1]
    told = "\n".join(lines).strip("\n")
    if len(told) <= LOG_CHARS:
        return told
    end = told[-LOG_CHARS:]
    _, _, whole = end.partition("\n")
    return f"…\n{whole or end}"


def _clean_line(line: str) -> str:
    bare = _CONTROL.sub("", _ANSI.sub("", line))
    return _GROUP.sub("", _STAMP.sub("", bare)).rstrip()


def _own(run: CheckRunShape) -> str:
    said = _joined(run.output.summary or "", run.output.text or "")
    return said if len(said) <= _OWN_CHARS else f"{said[:_OWN_CHARS]}…"


def _failed_steps(job: JobShape | None) -> str:
    names = [step.name for step in (job.steps or () if job else ()) if step.conclusion == "failure"]
    return f"Failed steps: {', '.join(names)}" if names else ""


def _joined(*parts: str) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())
