from __future__ import annotations

from datetime import UTC, datetime

from tests.integration.store.stores import Stores

from tinytown.domain.pull import PullDraft, ReviewSeen
from tinytown.domain.workitem import Verdict
from tinytown.store.codec import encode
from tinytown.store.pulls import PullStore

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
BROKEN = "caf\udce9 \ud83d"
SPELT = r"caf\udce9 \ud83d"


def test_text_that_is_no_text_is_spelt_out_in_records_and_arguments(town: Stores) -> None:
    pulls = PullStore(town.connection, town.keys)
    draft = PullDraft(branch="tt/1", base="main", head="a", title=BROKEN, body="fine é", marker="m")
    pull = pulls.open(draft, place="p/", fork="b", with_checks=False, at=NOW)
    assert (pull.title, pull.body) == (SPELT, "fine é")
    pulls.add_review(1, ReviewSeen(head="a", verdict=Verdict.FAILED, by="ann", text=BROKEN), at=NOW)
    assert [(one.text, one.verdict) for one in pulls.reviews(1)] == [(SPELT, Verdict.FAILED)]


def test_a_time_in_a_record_with_such_text_stays_as_it_is() -> None:
    assert encode({"at": NOW, "text": BROKEN}) == encode({"at": NOW, "text": SPELT})
