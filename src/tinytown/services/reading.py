"""Reading everything that a mission is to be compiled from: objectives, their parts, what they wait for outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, NotFoundError, TinytownError
from tinytown.domain.issue import Issue
from tinytown.domain.refs import DocRef, IssueRef, ObjectiveRef
from tinytown.forges.base import Forge
from tinytown.planner.compile import scan
from tinytown.planner.manifest import Manifest
from tinytown.planner.needs import identity_of
from tinytown.planner.parts import DEPTH_LIMIT, next_parts


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What was read."""

    objectives: tuple[ObjectiveRef, ...]
    """Where each is now: those that were named, then their parts."""
    issues: dict[ObjectiveRef, Issue]
    outside: dict[IssueRef, Issue | None]
    warnings: tuple[str, ...] = ()


class Reader:
    """Reads for one mission; collects what cannot be read."""

    def __init__(self, forge: Forge, root: Path, manifest: Manifest | None, *, with_remarks: bool) -> None:
        """Read nothing yet.

        Args:
            forge: where issues are.
            root: the town's folder, where documents are.
            manifest: corrections, if there is a mission.toml.
            with_remarks: whether what was said below issues is read as well.
        """
        self.problems: list[str] = []
        self._forge = forge
        self._root = root
        self._manifest = manifest
        self._with_remarks = with_remarks
        self._issues: dict[ObjectiveRef, Issue] = {}
        self._objectives: list[ObjectiveRef] = []
        self._unread: set[ObjectiveRef] = set()

    def read(self, refs: tuple[ObjectiveRef, ...]) -> Read:
        """Read these, and what belongs to them.

        Raises:
            ForgeUnavailableError: try again later.
        """
        self._collect_all(refs)
        warnings = self._bring_in_parts()
        wanted = sorted(scan(self._issues, home=self._forge.home, manifest=self._manifest))
        read_issue = self._forge.reading(wanted)
        return Read(
            objectives=tuple(self._objectives),
            issues=self._issues,
            outside={ref: self._outside(ref, read_issue) for ref in wanted},
            warnings=warnings,
        )

    def _bring_in_parts(self) -> tuple[str, ...]:
        """Read the sub-issues level by level; what is left out."""
        named = len(self._issues)
        for depth in range(DEPTH_LIMIT + 1):
            parts = next_parts(self._issues, named=named, depth=depth, manifest=self._manifest, home=self._forge.home)
            self._collect_all(parts.refs)
            if parts.warnings or not parts.refs or self.problems:
                return parts.warnings
        return ()

    def _collect_all(self, refs: Iterable[ObjectiveRef]) -> None:
        refs = tuple(refs)
        read_issue = self._forge.reading([ref for ref in refs if isinstance(ref, IssueRef)])
        for ref in refs:
            self._collect(ref, read_issue)

    def _collect(self, ref: ObjectiveRef, read_issue: Callable[[IssueRef], Issue]) -> None:
        try:
            issue = self._document(ref) if isinstance(ref, DocRef) else read_issue(ref)
            if isinstance(issue.ref, IssueRef) and self._with_remarks and issue.is_open and not issue.is_pull:
                issue = msgspec.structs.replace(issue, remarks=self._forge.remarks(issue.ref))
        except ForgeUnavailableError:
            raise
        except (NotFoundError, ForgeError) as error:
            self.problems.append(error.message)
            self._unread.add(identity_of(ref))
            return
        self._objectives.append(issue.ref)
        self._issues.setdefault(issue.ref, issue)

    def _outside(self, ref: IssueRef, read_issue: Callable[[IssueRef], Issue]) -> Issue | None:
        """An issue that the mission depends on, None when there is none. One that cannot be read is a problem."""
        if ref.folded in self._unread:
            return _unknown(ref)
        try:
            return read_issue(ref)
        except NotFoundError:
            return None
        except ForgeUnavailableError:
            raise
        except ForgeError as error:
            self.problems.append(error.message)
            return _unknown(ref)

    def _document(self, ref: DocRef) -> Issue:
        path = (self._root / ref.path).resolve()
        if not path.is_relative_to(self._root.resolve()):
            raise NotFoundError(f"document {ref.path} is outside the town's folder")
        text = read_text(
            path, NotFoundError(f"document {ref.path} cannot be read; name a text file in the town's folder")
        )
        title = next((line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#")), path.stem)
        return Issue(ref=ref, title=title or path.stem, body=text, url=ref.path, host=self._forge.host)


def _unknown(ref: IssueRef) -> Issue:
    """Stands for an issue that could not be read, which is told: nothing else is wrong with depending on it."""
    return Issue(ref=ref, title=str(ref), body="")


def read_text(path: Path, error: TinytownError) -> str:
    """A text file's content; the error when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise error from cause
