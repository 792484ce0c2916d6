"""Reading objectives from the forge and compiling them into a graph of work items."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from tinytown.domain.errors import (
    ConfigError,
    ForgeError,
    ForgeUnavailableError,
    NotFoundError,
    ProblemsError,
    TinytownError,
)
from tinytown.domain.issue import Issue
from tinytown.domain.refs import DocRef, IssueRef, ObjectiveRef
from tinytown.forges.base import Forge
from tinytown.planner.compile import Compiled, compile_mission, scan
from tinytown.planner.manifest import Manifest, parse_manifest

MANIFEST_FILE = "mission.toml"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compiled."""

    mission_id: str
    objectives: tuple[ObjectiveRef, ...]
    manifest: str | None
    roles: frozenset[str]
    problems: tuple[str, ...] = ()
    """What was found wrong before anything was read; told together with the rest."""


class Planning:
    """Compiles missions of one town."""

    def __init__(self, forge: Forge, root: Path) -> None:
        self._forge = forge
        self._root = root

    def base(self) -> str:
        """The branch that pull requests go into. ForgeUnavailableError: the forge cannot be reached."""
        return self._forge.default_branch()

    def compile(self, plan: Plan, now: datetime) -> Compiled:
        """Read everything and compile it.

        Raises:
            ProblemsError: every problem found. ForgeUnavailableError: the forge cannot be reached; try again later.
        """
        problems = list(plan.problems)
        manifest = self._manifest(plan.manifest, problems)
        try:
            issues, outside = self._read_all(plan.objectives, manifest, problems)
        except ForgeUnavailableError as error:
            if problems:  # waiting for the forge would not mend them
                raise ProblemsError(tuple(problems)) from error
            raise
        try:
            compiled = compile_mission(
                mission_id=plan.mission_id,
                objectives=tuple(ref for ref in plan.objectives if ref in issues),
                issues=issues,
                outside=outside,
                manifest=manifest,
                roles=plan.roles,
                home=self._forge.home,
                now=now,
            )
        except ProblemsError as error:
            # what follows from an objective that could not be read helps nobody when that is told already
            raise ProblemsError((*problems, *(p for p in error.problems if p not in problems))) from error
        if problems:
            raise ProblemsError(tuple(problems))
        return compiled

    def _read_all(
        self, refs: tuple[ObjectiveRef, ...], manifest: Manifest | None, problems: list[str]
    ) -> tuple[dict[ObjectiveRef, Issue], dict[IssueRef, Issue | None]]:
        """The objectives, and the issues outside the mission that they depend on."""
        issues: dict[ObjectiveRef, Issue] = {}
        for ref in refs:
            self._collect(ref, issues, problems)
        if problems and not issues:
            raise ProblemsError(tuple(problems))
        wanted = scan(issues, home=self._forge.home, manifest=manifest)
        return issues, {ref: self._outside(ref, problems) for ref in wanted}

    def _collect(self, ref: ObjectiveRef, issues: dict[ObjectiveRef, Issue], problems: list[str]) -> None:
        try:
            issues[ref] = self._document(ref) if isinstance(ref, DocRef) else self._forge.issue(ref)
        except ForgeUnavailableError:
            raise
        except (NotFoundError, ForgeError) as error:
            problems.append(error.message)

    def _outside(self, ref: IssueRef, problems: list[str]) -> Issue | None:
        """An issue that the mission depends on, None when there is none. One that cannot be read is a problem."""
        try:
            return self._forge.issue(ref)
        except NotFoundError:
            return None
        except ForgeUnavailableError:
            raise
        except ForgeError as error:
            problems.append(error.message)
            return Issue(ref=ref, title=str(ref), body="")  # it is there: nothing else is wrong with naming it

    def _document(self, ref: DocRef) -> Issue:
        path = (self._root / ref.path).resolve()
        if not path.is_relative_to(self._root.resolve()):
            raise NotFoundError(f"document {ref.path} is outside the town's folder")
        text = _read(path, NotFoundError(f"document {ref.path} cannot be read; name a text file in the town's folder"))
        title = next((line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#")), path.stem)
        return Issue(ref=ref, title=title or path.stem, body=text, url=ref.path)

    def _manifest(self, text: str | None, problems: list[str]) -> Manifest | None:
        try:
            return parse_manifest(text, MANIFEST_FILE) if text is not None else None
        except ConfigError as error:
            problems.extend(error.message.splitlines())
            return None


def read_manifest(root: Path, given: Path | None) -> str | None:
    """The manifest's text: the file given, else mission.toml in the town's root if there is one."""
    if given is not None:
        return _read(given, NotFoundError(f"manifest {given} cannot be read"))
    found = root / MANIFEST_FILE
    return _read(found, NotFoundError(f"{found} cannot be read")) if found.is_file() else None


def _read(path: Path, error: TinytownError) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise error from cause
