"""Reading objectives from the forge and compiling them into a graph of work items."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from tinytown.domain.errors import ConfigError, ForgeUnavailableError, NotFoundError, ProblemsError
from tinytown.domain.refs import ObjectiveRef
from tinytown.forges.base import Forge
from tinytown.planner.compile import Compiled, compile_mission
from tinytown.planner.manifest import Manifest, parse_manifest
from tinytown.services.reading import Reader, read_text

MANIFEST_FILE = "mission.toml"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compiled."""

    mission_id: str
    objectives: tuple[ObjectiveRef, ...]
    manifest: str | None
    roles: frozenset[str]
    problems: tuple[str, ...] = ()
    """What was found wrong before anything was read; told together with the rest."""
    warnings: tuple[str, ...] = ()
    """What was found worth saying before."""


class Planning:
    """Compiles missions of one town."""

    def __init__(self, forge: Forge, root: Path) -> None:
        self._forge = forge
        self._root = root

    def base(self) -> str:
        """The branch that pull requests go into. ForgeUnavailableError: the forge cannot be reached."""
        return self._forge.default_branch()

    def compile(self, plan: Plan, now: datetime, *, is_preview: bool = False) -> Compiled:
        """Read everything and compile it; nothing is stored.

        Args:
            plan: what is to be compiled.
            now: the time.
            is_preview: whether nobody will work by it, so that what was said below the issues is not needed.

        Raises:
            ProblemsError: every problem found. ForgeUnavailableError: the forge cannot be reached; try again later.
        """
        problems = list(plan.problems)
        manifest = self._manifest(plan.manifest, problems)
        reader = Reader(self._forge, self._root, manifest, with_remarks=not is_preview)
        try:
            read = reader.read(plan.objectives)
        except ForgeUnavailableError as error:
            if problems or reader.problems:  # waiting for the forge would not mend them
                raise ProblemsError((*problems, *reader.problems)) from error
            raise
        problems += reader.problems
        if problems and not read.issues:
            raise ProblemsError(tuple(problems))
        try:
            compiled = compile_mission(
                mission_id=plan.mission_id,
                objectives=read.objectives,
                issues=read.issues,
                outside=read.outside,
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
        return msgspec.structs.replace(compiled, warnings=(*plan.warnings, *read.warnings, *compiled.warnings))

    def _manifest(self, text: str | None, problems: list[str]) -> Manifest | None:
        try:
            return parse_manifest(text, MANIFEST_FILE, self._forge.host) if text is not None else None
        except ConfigError as error:
            problems.extend(error.message.splitlines())
            return None


def read_manifest(root: Path, given: Path | None) -> str | None:
    """The manifest's text: the file given, else mission.toml in the town's root if there is one."""
    if given is not None:
        return read_text(given, NotFoundError(f"manifest {given} cannot be read"))
    found = root / MANIFEST_FILE
    return read_text(found, NotFoundError(f"{found} cannot be read")) if found.is_file() else None
