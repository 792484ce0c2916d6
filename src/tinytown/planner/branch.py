"""Names of work branches."""

from __future__ import annotations

import re
import unicodedata

from tinytown.domain.refs import IssueRef, ObjectiveRef

SLUG_LIMIT = 40
"""Most characters of a title in a branch name."""


def slugify(text: str, limit: int = SLUG_LIMIT) -> str:
    """The ASCII letters and digits of a text, lower case, joined by single hyphens and cut at a word.

    Args:
        text: anything; accents are dropped, what has no ASCII form is left out, so the result may be empty.
        limit: most characters; a first word that is longer is cut anywhere.
    """
    plain = unicodedata.normalize("NFKD", re.sub("['\N{RIGHT SINGLE QUOTATION MARK}]", "", text))
    words = re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode().lower())
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word[:limit]
        if len(longer) > limit:
            break
        slug = longer
    return slug


def branch_of(ref: ObjectiveRef, title: str, home: tuple[str, str]) -> str:
    """The branch for an objective: `tt/<number>-<slug>`, `tt/<repo>-<number>-<slug>` or `tt/doc-<slug>`.

    Valid as a git branch whatever the title; two objectives may get the same one (documents of the same name).
    """
    if not isinstance(ref, IssueRef):
        name = re.split(r"[/\\]", ref.path)[-1].rpartition(".")
        return _joined("doc", slugify(name[0] or name[2]))
    is_home = ref.folded.repository == (home[0].lower(), home[1].lower())
    return _joined("" if is_home else slugify(ref.repo), str(ref.number), slugify(title))


def _joined(*parts: str) -> str:
    return "tt/" + "-".join(part for part in parts if part)
