"""Issues: read with what they need, chosen, and what people say below them."""

from __future__ import annotations

from tinytown.domain.errors import NotFoundError
from tinytown.domain.issue import Issue, Remark, Selected, Selection
from tinytown.domain.refs import IssueRef, host_of
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import PAGE_SIZE, GitHub
from tinytown.forges.github.issue_shapes import IssueShape
from tinytown.forges.github.relations import Relations
from tinytown.forges.github.selection import selected
from tinytown.forges.github.shapes import CommentShape, RepositoryShape
from tinytown.forges.github.trust import Trust, is_bot

REMARKS = 30
"""How many of the newest remarks agents are told."""
REMARK_CHARS = 2000
"""How much of each."""

_OURS = "<!-- tinytown:"
"""In every comment that a mission makes."""
_GONE = 410


class Issues:
    """The issues that a token can see. Thread-safe."""

    def __init__(self, client: GitHub, home: Repository, trust: Trust) -> None:
        """Make it; nothing is asked yet.

        Args:
            client: asks GitHub.
            home: the repository that bare numbers belong to.
            trust: whose words may direct agents.
        """
        self._client = client
        self._look = client.as_look()
        self._home = home
        self._trust = trust
        self._relations = Relations(client, self._named)
        self._renamed: dict[tuple[str, str], tuple[str, str]] = {}
        """Repositories that were renamed: what GitHub calls them now, in lower case -> what we were asked for."""

    def read(self, ref: IssueRef) -> Issue:
        """An issue with its relations, or a pull request as an issue; its `ref` is where it is now.

        Raises:
            NotFoundError: there is none, it is gone, or the token may not see it.
        """
        shape = self._shape(ref, self._client)
        self._learn_of_renaming(ref, shape)
        now = self._named(shape)
        label = ref.label(self.home)
        return Issue(
            ref=ref if now.folded == ref.folded else now,
            title=shape.title,
            body=shape.body or "",
            is_open=shape.is_open,
            labels=shape.label_names,
            author=shape.user.login if shape.user else "",
            url=shape.html_url,
            host=host_of(shape.html_url) or self._home.host,
            relations=self._relations.of(self._path(now), shape),
            is_trusted=self._trust.covers(shape.user, shape.author_association),
            is_parent=shape.sub_issues_summary is not None and shape.sub_issues_summary.total > 0,
            is_pull=shape.pull_request is not None,
            notice="" if now.folded == ref.folded else f"{label} was moved, it is {now.label(self.home)} now",
        )

    def is_open(self, ref: IssueRef) -> bool:
        """Whether an issue is open: one request, that can wait when the quota runs low. NotFoundError as `read`."""
        return self._shape(ref, self._look).is_open

    def select(self, choice: Selection) -> Selected:
        """The open issues that fit, in the order of their numbers; those of the home repository first.

        Raises:
            InvalidInputError: there is no such milestone, the query is not understood, or too many fit.
        """
        shown = selected(self._client, self._home, choice)
        found = {self._named(shape) for shape in shown.issues}
        home = IssueRef(*self.home, 1).folded.repository
        refs = tuple(sorted(found, key=lambda ref: (ref.folded.repository != home, ref)))
        return Selected(refs=refs, notice=shown.notice)

    def remarks(self, ref: IssueRef) -> tuple[Remark, ...]:
        """What people said below an issue, the newest ones, oldest first. NotFoundError as `read`."""
        count = self._shape(ref, self._client).comments
        newest = -(-count // PAGE_SIZE)
        found: list[CommentShape] = []
        for page in range(newest, max(newest - 2, 0), -1):  # GitHub has no way to ask for the newest first
            query = {"per_page": PAGE_SIZE, "page": page}
            read = self._client.get(f"{self._path(ref)}/comments", tuple[CommentShape, ...], query)
            found = [one for one in read if _is_a_persons(one)] + found
            if len(found) >= REMARKS:
                break
        return tuple(self._remark(one) for one in found[-REMARKS:])

    @property
    def home(self) -> tuple[str, str]:
        """(owner, repo) that bare numbers belong to."""
        return self._home.owner, self._home.name

    def _shape(self, ref: IssueRef, client: GitHub) -> IssueShape:
        try:
            return client.get(self._path(ref), IssueShape)
        except NotFoundError as error:
            label, repository = ref.label(self.home), "/".join(ref.repository)
            if error.evidence.get("status") == _GONE:
                told = f"{label} is gone: deleted, made a discussion, or {repository} has no issues any more"
            else:
                told = f"there is no issue {label}, or the token may not see it in {repository}"
            raise NotFoundError(told, **error.evidence) from error

    def _learn_of_renaming(self, ref: IssueRef, shape: IssueShape) -> None:
        """When the answer is of another repository, find out whether that is only another name of the same one."""
        now = (shape.repository[0].lower(), shape.repository[1].lower())
        if shape.number != ref.number or now == ref.folded.repository or now in self._renamed or not all(now):
            return
        try:
            asked = self._client.get(self._repository(ref).path(), RepositoryShape)
        except NotFoundError:
            return
        if asked.full_name.lower() == "/".join(now):
            self._renamed[now] = ref.repository

    def _named(self, shape: IssueShape) -> IssueRef:
        """The reference of an issue that GitHub showed, its repository called as we call it."""
        owner, name = shape.repository
        if not owner or not name:
            owner, name = self.home
        asked = self._renamed.get((owner.lower(), name.lower()))
        at_home = IssueRef(*self.home, shape.number)
        ref = IssueRef(*(asked or (owner, name)), shape.number)
        return at_home if ref.folded == at_home.folded else ref

    def _remark(self, comment: CommentShape) -> Remark:
        text = (comment.body or "").strip()
        return Remark(
            by=comment.user.login if comment.user else "",
            text=text if len(text) <= REMARK_CHARS else f"{text[:REMARK_CHARS].rstrip()} … (cut)",
            is_trusted=self._trust.covers(comment.user, comment.author_association),
            at=comment.created_at,
        )

    def _repository(self, ref: IssueRef) -> Repository:
        return Repository(host=self._home.host, owner=ref.owner, name=ref.repo)

    def _path(self, ref: IssueRef) -> str:
        return self._repository(ref).path("/issues/{n}", n=ref.number)


def _is_a_persons(comment: CommentShape) -> bool:
    body = comment.body or ""
    return bool(body.strip()) and _OURS not in body and not is_bot(comment.user)
