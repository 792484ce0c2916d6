"""Getting a run ready: its worktree, its prompt, and afterwards what evidence of work is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from tinytown.domain.agent import Agent
from tinytown.domain.errors import GitError, NotFoundError
from tinytown.domain.ids import short
from tinytown.domain.task import Task, TaskKind
from tinytown.domain.workitem import Brief, WorkItem
from tinytown.repository.git import Git
from tinytown.repository.worktree import Worktree, Worktrees, WorktreeStatus
from tinytown.runtime.outcome import Evidence
from tinytown.runtime.prompt import Assignment, Dependency
from tinytown.store.hosts import Claim
from tinytown.store.missions import MissionStore
from tinytown.store.tasks import TaskStore

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What the store knows about a run's work."""

    item: WorkItem | None = None
    brief: Brief | None = None
    dependencies: tuple[Dependency, ...] = ()


def gather(missions: MissionStore, tasks: TaskStore, task: Task | None) -> Material:
    """Read what the prompt for a task needs."""
    if task is None or task.spec.mission_id is None or task.spec.item_id is None:
        return Material()
    mission_id = task.spec.mission_id
    found = missions.items(mission_id, [task.spec.item_id])
    if not found:
        raise NotFoundError("the task's item is gone; the mission was deleted")
    item = found[0]
    deps = missions.items(mission_id, item.depends_on)
    done = {t.id: t for t in tasks.many([d.work_task_id for d in deps if d.work_task_id])}
    dependencies = tuple(
        Dependency(item=dep, result=done[dep.work_task_id].result if dep.work_task_id in done else "")
        for dep in deps
        if dep.work_task_id is None or dep.work_task_id in done or dep.is_done
    )
    return Material(item=item, brief=missions.brief(mission_id, item.id), dependencies=dependencies)


class Workshop:
    """The worktrees of a town's checkout."""

    def __init__(
        self, worktrees: Worktrees, git: Git, default_branch: str, publish: Callable[[str], None] | None = None
    ) -> None:
        """Args: publish pushes a branch (GitError when it cannot); None: nothing is pushed."""
        self._publish = publish
        self._worktrees = worktrees
        self._git = git
        self._default_branch = default_branch

    def open(self, agent: Agent, claim: Claim) -> Worktree:
        """The worktree for a run: its item's, its review's, its task's, or the agent's own for mere messages."""
        task = claim.task
        if task is None:
            return self._worktrees.checkout_for_review(f"agent-{_plain(agent.name)}", self._default_branch)
        spec = task.spec
        if spec.kind is TaskKind.REVIEW:
            return self._worktrees.checkout_for_review(f"review-{short(spec.item_id or spec.id)}", spec.head or "HEAD")
        if spec.item_id is None:
            name = f"task-{short(spec.id)}"
            return self._prepare(name, f"tt/{name}", spec.base, (), owner=spec.id)
        if spec.branch is None:
            return self._worktrees.checkout_for_review(f"item-{short(spec.item_id)}", spec.base or self._default_branch)
        name = _plain(spec.branch.removeprefix("tt/"))
        return self._prepare(name, spec.branch, spec.base, spec.starts_from, owner=spec.item_id, head=spec.head)

    def _prepare(
        self,
        name: str,
        branch: str,
        base: str | None,
        starts_from: tuple[str, ...],
        *,
        owner: str,
        head: str | None = None,
    ) -> Worktree:
        base = base or self._default_branch
        return self._worktrees.prepare(name, branch=branch, base=base, starts_from=starts_from, owner=owner, head=head)

    def before(self, worktree: Worktree) -> str:
        """Run the hook before the run; returns the head commit it starts from: its branch's, if it has one."""
        self._worktrees.before_run(worktree)
        return self._head(worktree)

    def _head(self, worktree: Worktree) -> str:
        own = self._git.find_branch(worktree.branch) if worktree.branch else None
        return own or self._git.at(worktree.path).rev_parse("HEAD")

    def after(self, worktree: Worktree, head_before: str, *, is_published: bool = False) -> Evidence:
        """Run the hook after the run, look at what is there, and push it if it is to be published.

        A push that fails is told and nothing else: whoever opens or looks at the pull request pushes again.
        """
        failures = self._worktrees.after_run(worktree)
        status = self._worktrees.status(worktree.name)
        if not worktree.branch:
            return Evidence(head_before=head_before, hook_failures=failures)
        return Evidence(
            head=self._head(worktree),
            branch=worktree.branch,
            head_before=head_before,
            made=len(status.made),
            elsewhere=_elsewhere(status),
            dirty=status.dirty,
            hook_failures=failures,
            push_failure=self._pushed(worktree.branch) if is_published and status.made else "",
        )

    def _pushed(self, branch: str) -> str:
        """Push the branch; why that failed, empty when it did not."""
        if self._publish is None:
            return ""
        try:
            self._publish(branch)
        except GitError as error:
            return error.message
        return ""


def assignment(agent: Agent, claim: Claim, material: Material, worktree: Worktree, run_id: str) -> Assignment:
    """What the prompt of a run is made of."""
    spec = claim.task.spec if claim.task else None
    return Assignment(
        run_id=run_id,
        agent_name=agent.name,
        role=agent.spec.role,
        task=claim.task,
        messages=claim.messages,
        item=material.item,
        brief=material.brief,
        dependencies=material.dependencies,
        folder=worktree.path,
        branch=worktree.branch,
        base=(spec.base if spec else None) or "",
        notes=worktree.notes,
    )


def _elsewhere(status: WorktreeStatus) -> str:
    if not status.elsewhere:
        return ""
    place = f"branch {status.branch}" if status.branch else "a detached HEAD"
    count = len(status.elsewhere)
    return f"{count} commit{'s' if count > 1 else ''} on {place}"


def _plain(name: str) -> str:
    return _NOT_IN_NAMES.sub("-", name).strip("-.") or "work"


def log_file(folder: Path, agent_name: str) -> Path:
    """Where an agent's output goes."""
    return folder / f"{_plain(agent_name)}.log"
