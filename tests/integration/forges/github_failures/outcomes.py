"""What may go wrong with GitHub, and what a mission makes of it: the table that the tests run and docs/github.md shows."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from tests.integration.forges.github_failures.hub import Hub
from tests.peers.exchange import CUT, Answer, invalid, refused
from tests.peers.samples import Sample
from tests.repositories import branch_with

from tinytown.domain.watch import WatchKind
from tinytown.repository.git import Git

R = "/repos/octo/town"
PULL = 2
"""The number of the pull request: the issue is 1."""
BY_ITSELF, RESUMED, REOPENED = "by itself", "after `tt mission resume`", "by itself, once that is mended"
Act = Callable[[Hub], None]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    trouble: str
    does: str
    """What the mission does, for people."""
    why: str
    """The line of `tt mission why` that tells; … stands for what varies."""
    goes_on: str = BY_ITSELF
    happens: Act
    begins: Act = lambda hub: hub.start(hub.ready(1))
    pauses: tuple[float, ...] = ()
    """Seconds before each further try that is made before `why` is read."""
    pause: Callable[[Hub], float] = lambda hub: hub.retry_in()
    """Seconds until the next try."""
    mended: Act = lambda hub: hub.github.samples.clear()

    @property
    def is_held(self) -> bool:
        """Whether a person has to decide."""
        return self.why.startswith("needs a person: ")


def answering(method: str, path: str, answer: Answer, *, times: int | None = None) -> Act:
    """GitHub answers so."""

    def act(hub: Hub) -> None:
        hub.github.samples.append(Sample(method, path, answer, times=times, is_described=False))

    return act


def everywhere(answer: Answer) -> Act:
    """GitHub answers everything so."""

    def act(hub: Hub) -> None:
        for method in ("GET", "POST", "PUT", "PATCH"):
            answering(method, r"/.*", answer)(hub)

    return act


def looked(hub: Hub) -> float:
    return hub.look_in(WatchKind.PR_CHECKS)


def _lose_token(hub: Hub) -> None:
    del hub.github.tokens["tok-octo"]


def _find_token(hub: Hub) -> None:
    hub.github.tokens["tok-octo"] = "repo, workflow"


def _use_up(hub: Hub) -> None:
    hub.github.quota.limits["core"] = 0
    hub.github.quota.reset_at = int(hub.now.timestamp()) + 1200


def _fill_up(hub: Hub) -> None:
    hub.github.quota.limits["core"] = 5000


def _wait_for_checks(hub: Hub) -> None:
    """A pull request whose check has not ended."""
    item = hub.hand_in(1)
    hub.octo.check(hub.push(item))
    hub.start(item)
    hub.step()
    assert hub.item().pull is not None


def _close(hub: Hub) -> None:
    hub.octo.call("PATCH", f"pulls/{PULL}", {"state": "closed"})
    hub.live(lambda: hub.item().hold is not None)


def _reopen(hub: Hub) -> None:
    hub.octo.call("PATCH", f"pulls/{PULL}", {"state": "open"})
    hub.octo.check(hub.git.rev_parse("tt/1"), "success")


def _delete_branch(hub: Hub) -> None:
    hub.github.bare.set("tt/1", None)
    hub.live(lambda: hub.item().hold is not None)


def _restore_branch(hub: Hub) -> None:
    hub.push(hub.item())
    _reopen(hub)


def _force_push(hub: Hub) -> None:
    """A person pushes something else in the place of what the agent made, from a clone of their own."""
    hub.git.run("clone", "--quiet", str(hub.github.bare.folder), str(hub.folder / "theirs"))
    theirs = Git(hub.folder / "theirs")
    head = branch_with(theirs, "theirs", {"theirs.txt": "theirs\n"})
    theirs.run("push", "--quiet", "--force", "origin", "theirs:tt/1")
    hub.live(lambda: hub.item().submitted == head)


def _pass_checks(hub: Hub) -> None:
    hub.octo.check(hub.item().submitted or "", "success")


def _protect_branches(hub: Hub) -> None:
    hook = hub.github.bare.folder / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'error: GH006: Protected branch update failed for refs/heads/tt/1.' >&2\nexit 1\n")
    hook.chmod(0o755)


def _unprotect_branches(hub: Hub) -> None:
    (hub.github.bare.folder / "hooks" / "pre-receive").unlink()
    _check_what_was_pushed(hub)


def _hand_in_unpushed(hub: Hub) -> None:
    hub.start(hub.hand_in(1))


def _check_what_was_pushed(hub: Hub) -> None:
    head = hub.push(hub.item())
    hub.octo.check(head, "success")


def _require_review(hub: Hub) -> None:
    hub.github.rules.require_reviews("main", 1)


def _approve(hub: Hub) -> None:
    hub.rev.review(PULL, "APPROVE")


def _cut_git_off(hub: Hub) -> None:
    hub.git.run("remote", "set-url", "origin", "http://127.0.0.1:1/town.git")


def _reach_git_again(hub: Hub) -> None:
    hub.git.run("remote", "set-url", "origin", str(hub.github.bare.folder))
    _check_what_was_pushed(hub)


def _merge_by_hand(hub: Hub) -> None:
    hub.octo.end_check(1, "success")
    hub.octo.call("PUT", f"pulls/{PULL}/merge", {})
    hub.live(hub.is_completed)


def _nothing(_hub: Hub) -> None:
    pass


_SECONDARY = refused(403, "You have exceeded a secondary rate limit.", headers={"retry-after": "90"})
_SCOPES = refused(
    403,
    "Resource not accessible by personal access token",
    headers={"x-accepted-github-permissions": "pull_requests=write"},
)
_SSO = refused(
    403,
    "Resource protected by organization SAML enforcement.",
    headers={"x-github-sso": "required; url=https://github.com/orgs/octo/sso?authorization_request=1"},
)
_REVIEWS = "the rules of its base ask for check ci; an approving review"
_FAILING = "tried again after 10, 20, 40, 80, 160 s, then every 5 min; a person is told after the fifth try"

TABLE = (
    Outcome(
        trouble="GitHub cannot be reached, or the connection breaks",
        does=_FAILING,
        why="last setback: opening the pull request keeps failing and is tried on: GitHub at …: the connection broke; it is tried again",
        happens=everywhere(CUT),
        pauses=(10, 20, 40, 80, 160),
    ),
    Outcome(
        trouble="no answer in time",
        does="the same",
        why="last setback: merging failed (try 1 of 5): GitHub at …: no answer in time; it is tried again",
        happens=answering("PUT", f"{R}/pulls/{PULL}/merge", Answer(200, b"{}", wait_secs=2)),
    ),
    Outcome(
        trouble="5xx, seen by a look",
        does="looks again after 1, 2, then every 5 min",
        why="PR #2: checks not looked at yet; looks again at … at the latest (GitHub cannot answer for octo/town/commits/…/check-runs just now (502: Bad Gateway); it is tried again)",
        happens=answering("GET", rf"{R}/commits/\w+/check-runs", refused(502, "Bad Gateway")),
        pauses=(60, 120, 300, 300),
        pause=looked,
    ),
    Outcome(
        trouble="5xx at a merge or another change",
        does="looks first whether it was done, then as when GitHub cannot be reached",
        why="last setback: merging failed (try 2 of 5): GitHub cannot answer for octo/town/pulls/2/merge just now (500: Server Error); it is tried again",
        happens=answering("PUT", f"{R}/pulls/{PULL}/merge", refused(500, "Server Error")),
        pauses=(10,),
    ),
    Outcome(
        trouble="an answer that is not JSON",
        does="as 5xx",
        why="last setback: opening the pull request failed (try 2 of 5): GitHub answered octo/town/pulls with something that is not JSON; it is tried again",
        happens=answering("GET", f"{R}/pulls", Answer(200, b"<html>", {"content-type": "application/json"})),
        pauses=(10,),
    ),
    Outcome(
        trouble="401: the token is refused",
        does="nothing is asked for 5 min; when it is refused once more, a person is asked",
        why="needs a person: opening the pull request failed: GitHub refuses the token; `tt doctor` says more",
        goes_on=RESUMED,
        happens=_lose_token,
        pauses=(300,),
        mended=_find_token,
    ),
    Outcome(
        trouble="403: the token lacks a scope or permission",
        does="a person is asked",
        why="needs a person: opening the pull request failed: GitHub does not allow octo/town/pulls: Resource not accessible by personal access token; the token needs: pull_requests=write",
        goes_on=RESUMED,
        happens=answering("POST", f"{R}/pulls", _SCOPES),
    ),
    Outcome(
        trouble="403: single sign-on",
        does="a person is asked, with the address to open",
        why="needs a person: looking at its pull request failed: the token is not authorised for single sign-on, asked for octo/town/pulls/2; open https://github.com/orgs/octo/sso?authorization_request=1 (valid for an hour)",
        goes_on=RESUMED,
        happens=answering("GET", f"{R}/pulls/{PULL}", _SSO),
    ),
    Outcome(
        trouble="403 or 429: the quota is used up",
        does="nothing is asked until it is filled again",
        why="last setback: opening the pull request waits: GitHub's quota is used up until …",
        happens=_use_up,
        mended=_fill_up,
    ),
    Outcome(
        trouble="403 or 429: a secondary limit",
        does="nothing is asked for as long as GitHub says, else for 1 min, doubled each time",
        why="last setback: opening the pull request waits: GitHub asks for fewer requests until …",
        happens=answering("POST", f"{R}/pulls", _SECONDARY),
        pauses=(90, 90),
    ),
    Outcome(
        trouble="404: the repository is gone, or private to the token",
        does="a person is asked",
        why="needs a person: opening the pull request failed: GitHub has no octo/town, or the token may not see it: Not Found",
        goes_on=RESUMED,
        happens=everywhere(refused(404, "Not Found")),
    ),
    Outcome(
        trouble="409 at a merge: somebody pushed meanwhile",
        does="looks at the pull request, then tries again; a person is asked after the fifth refusal",
        why="last setback: merging failed (try 2 of 5): something changed on GitHub in between: octo/town/pulls/2/merge: Head branch was modified. Review and try the merge again.",
        happens=answering(
            "PUT",
            f"{R}/pulls/{PULL}/merge",
            refused(409, "Head branch was modified. Review and try the merge again."),
        ),
        pauses=(10,),
    ),
    Outcome(
        trouble="410: pull requests are switched off in the repository",
        does="a person is asked",
        why="needs a person: opening the pull request failed: octo/town/pulls is gone (deleted, made a discussion, or switched off in the repository): Gone",
        goes_on=RESUMED,
        happens=answering("POST", f"{R}/pulls", refused(410, "Gone")),
    ),
    Outcome(
        trouble="422: the branch has nothing new",
        does="a person is asked",
        why="needs a person: opening the pull request failed: tt/1 has no commits that main lacks: there is nothing to open a pull request for",
        goes_on=RESUMED,
        happens=answering("POST", f"{R}/pulls", invalid("PullRequest", "No commits between main and tt/1")),
    ),
    Outcome(
        trouble="422: the base branch is gone",
        does="a person is asked",
        why="needs a person: opening the pull request failed: GitHub has no branch 'main' to open a pull request into; push it",
        goes_on=RESUMED,
        happens=answering("POST", f"{R}/pulls", invalid("PullRequest", code="invalid", field="base")),
    ),
    Outcome(
        trouble="git cannot reach the remote",
        does="as when GitHub cannot be reached",
        why="last setback: opening the pull request failed (try 2 of 5): reading origin failed, it cannot be reached just now: …",
        begins=_hand_in_unpushed,
        happens=_cut_git_off,
        pauses=(10,),
        mended=_reach_git_again,
    ),
    Outcome(
        trouble="the branch may not be pushed: it is protected, or a hook declines it",
        does="a person is asked",
        why="needs a person: opening the pull request failed: pushing tt/1 to origin failed, its rules or hooks do not take it; allow it there, or do it by hand: error: GH006: Protected branch update failed for refs/heads/tt/1.…",
        goes_on=RESUMED,
        begins=_hand_in_unpushed,
        happens=_protect_branches,
        mended=_unprotect_branches,
    ),
    Outcome(
        trouble="the base branch is protected, and something that it asks for is missing",
        does="looks again, soon and then at the usual interval",
        why=f"PR #2 does not merge yet: GitHub blocks the merge: {_REVIEWS}; looks again at … at the latest",
        happens=_require_review,
        mended=_approve,
    ),
    Outcome(
        trouble="the pull request is closed by a person",
        does="a person is asked",
        why="needs a person: its pull request was closed without merging; reopen it, or: tt mission approve 1",
        goes_on=REOPENED,
        begins=_wait_for_checks,
        happens=_close,
        mended=_reopen,
    ),
    Outcome(
        trouble="the pull request is merged by a person",
        does="the item is done, and its issue closed",
        why="done: merged as …",
        begins=_wait_for_checks,
        happens=_merge_by_hand,
        mended=_nothing,
    ),
    Outcome(
        trouble="the branch is deleted",
        does="GitHub closes the pull request: a person is asked",
        why="needs a person: its pull request was closed without merging; reopen it, or: tt mission approve 1",
        goes_on=REOPENED,
        begins=_wait_for_checks,
        happens=_delete_branch,
        mended=_restore_branch,
    ),
    Outcome(
        trouble="the branch is force-pushed by a person",
        does="the new commit counts, and all that was found out of the old one does not",
        why="PR #2: checks still running (…); looks again at … at the latest",
        begins=_wait_for_checks,
        happens=_force_push,
        mended=_pass_checks,
    ),
)


class IssueOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """A row about an issue; each has a test of its own."""

    trouble: str
    does: str
    says: str


AWAY = IssueOutcome(
    trouble="GitHub is away when the mission is to be planned",
    does="it stays in *planning*, and is tried again after 30 s and later, at most every 5 min",
    says="GitHub at …: the connection broke; it is tried again",
)
GONE = IssueOutcome(
    trouble="an objective was deleted, made a discussion (410), or issues are switched off",
    does="nothing is started",
    says="#1 is gone: deleted, made a discussion, or octo/town has no issues any more",
)
UNSEEN = IssueOutcome(
    trouble="an objective is not there, or not for the token (404)",
    does="nothing is started",
    says="there is no issue #1, or the token may not see it in octo/town",
)
MOVED = IssueOutcome(
    trouble="an objective was transferred (301)",
    does="it is worked on where it is now",
    says="#1 was moved, it is #2 now",
)
NEEDED = IssueOutcome(
    trouble="an issue that others wait for is gone",
    does="they wait; a person is asked",
    says="waits for #9 outside the mission, which cannot be looked at: #9 is gone: deleted, made a discussion, or octo/town has no issues any more (looked at …)",
)
UNCLOSED = IssueOutcome(
    trouble="an issue may not be closed when its work is merged",
    does="the item is done; a person is told",
    says="octo/town#1 is done, but cannot be closed (GitHub does not allow octo/town/issues/1: Must have admin rights to Repository.; see `tt doctor` for what the token may do); close it by hand",
)
DELETED = IssueOutcome(
    trouble="an issue is gone when its work is merged",
    does="the item is done",
    says="",
)
LOCKED = IssueOutcome(
    trouble="an issue is locked",
    does="it gets no status comment; nothing else changes",
    says="",
)
ISSUES = (AWAY, GONE, UNSEEN, MOVED, NEEDED, DELETED, UNCLOSED, LOCKED)


def page() -> str:
    """The part of docs/github.md that says all this."""
    lines = ["| what goes wrong | what the mission does | what `tt mission why` says | goes on |", "|---|---|---|---|"]
    lines += [_row(row.trouble, row.does, row.why, row.goes_on) for row in TABLE]
    lines += ["", "| of an issue | what the mission does | what it says |", "|---|---|---|"]
    lines += [_row(row.trouble, row.does, row.says or "nothing") for row in ISSUES]
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
