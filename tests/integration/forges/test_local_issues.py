from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.forges.conftest import ISSUE
from tests.repositories import branch_with, commit

from tinytown.domain.errors import ForgeError, NotFoundError
from tinytown.forges.local.issues import IssueFiles
from tinytown.repository.git import Git


@pytest.fixture
def issues(git: Git) -> IssueFiles:
    return IssueFiles(git)


def test_an_issue_is_found_by_its_number_whatever_the_zeros(git: Git, issues: IssueFiles) -> None:
    (git.folder / "issues" / "12-second.md").write_text("# Second\n")
    (git.folder / "issues" / "3.md").write_text("# Third\n")
    (git.folder / "issues" / "README.md").write_text("# No issue\n")
    assert [issues.find(number, "main").text.title for number in (1, 12, 3)] == ["First", "Second", "Third"]
    with pytest.raises(NotFoundError, match=r"there is no issue #2: no file issues/0002-"):
        issues.find(2, "main")


def test_two_files_with_one_number_are_an_error(git: Git, issues: IssueFiles) -> None:
    (git.folder / "issues" / "1-other.md").write_text("# Other\n")
    with pytest.raises(ForgeError, match=r"two files in issues/: 0001-first\.md, 1-other\.md"):
        issues.find(1, "main")


def test_a_link_is_no_issue_in_the_checkout_or_a_commit(git: Git, issues: IssueFiles, tmp_path: Path) -> None:
    secret = tmp_path / "0007-secret.md"
    secret.write_text("TOKEN=hunter2\n")
    (git.folder / "issues" / "0007-x.md").symlink_to(secret)
    git.run("add", "--", "issues/0007-x.md")
    git.run("commit", "--quiet", "-m", "Link")
    with pytest.raises(NotFoundError):
        issues.find(7, "main")
    closed = issues.closed_in(git.line("rev-parse", "main^{tree}"), (7,))
    assert (closed.tree, closed.untracked) == (git.line("rev-parse", "main^{tree}"), (7,))
    assert issues.close_here(7) == ()
    assert secret.read_text() == "TOKEN=hunter2\n"


def test_a_folder_of_issues_that_leads_elsewhere_is_an_error(git: Git, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "1.md").write_text("# Outside\n")
    (git.folder / "linked").symlink_to(tmp_path / "outside")
    with pytest.raises(ForgeError, match=r"linked leads out of the repository"):
        IssueFiles(git, "linked").find(1, "main")
    assert IssueFiles(git, "linked").close_here(1) == (
        "issue #1 is not closed: linked leads out of the repository; make it a folder of its own",
    )


def test_an_issue_that_cannot_be_written_is_a_note(git: Git, issues: IssueFiles) -> None:
    (git.folder / "issues" / "2.md").write_text("# Second\n")
    (git.folder / "issues" / ".2.md.new").mkdir()
    (note,) = issues.close_here(2)
    assert note.startswith("issue #2 is not closed: ")


def test_an_issue_that_the_checkout_lacks_is_read_from_the_default_branch(git: Git, issues: IssueFiles) -> None:
    git.run("checkout", "--quiet", "--orphan", "empty")
    git.run("rm", "-r", "--quiet", "--force", ".")
    assert issues.find(1, "main").text.title == "First"


def test_the_text_being_edited_is_the_one_that_counts(git: Git, issues: IssueFiles) -> None:
    commit(git, {"issues/0001-first.md": ISSUE.replace("open", "closed")})
    (git.folder / "issues" / "0001-first.md").write_text(ISSUE.replace("First", "Reopened"))
    found = issues.find(1, "main")
    assert (found.text.title, found.text.is_open) == ("Reopened", True)


def test_a_checkout_left_behind_does_not_reopen_an_issue(git: Git, issues: IssueFiles) -> None:
    git.run("checkout", "--quiet", "--detach")
    branch_with(git, "main", {"issues/0001-first.md": ISSUE.replace("open", "closed")})
    assert not issues.find(1, "main").text.is_open


def test_a_file_that_is_no_text_is_named(git: Git, issues: IssueFiles) -> None:
    (git.folder / "issues" / "0001-first.md").write_bytes(b"a\nb\xff\n")
    with pytest.raises(ForgeError, match=r"0001-first\.md:2: it is not UTF-8"):
        issues.find(1, "main")


def test_closing_in_a_tree_keeps_the_mode_and_everything_else(git: Git, issues: IssueFiles) -> None:
    (git.folder / "issues" / "0001-first.md").chmod(0o755)
    git.run("commit", "--quiet", "-a", "-m", "mode")
    closed = issues.closed_in("main", (1, 7))
    assert git.line("diff", "--raw", "--abbrev=4", "main", closed.tree).split()[:2] == [":100755", "100755"]
    assert git.line("diff", "--name-only", "main", closed.tree) == "issues/0001-first.md"
    assert git.blob(closed.tree, "issues/0001-first.md") == ISSUE.replace("open", "closed").encode()
    assert (closed.untracked, closed.notes) == ((7,), ())
    assert git.dirty_files() == ()


def test_an_issue_that_cannot_be_closed_is_a_note(git: Git, issues: IssueFiles) -> None:
    commit(git, {"issues/0002-bad.md": "---\nstate: [\n---\n"})
    closed = issues.closed_in("main", (2,))
    assert "issue #2 is not closed: issues/0002-bad.md:" in closed.notes[0]
