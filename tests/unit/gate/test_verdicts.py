"""The memory of keys that were checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tinytown.gate.verdicts import BAD_FOR, GOOD_FOR, Verdict, Verdicts

NOW = datetime(2030, 1, 1, tzinfo=UTC)
GOOD = Verdict("hash", is_good=True)
BAD = Verdict("hash", is_good=False)
SECOND = timedelta(seconds=1)


def test_a_verdict_is_found_until_its_time_is_over() -> None:
    verdicts = Verdicts()
    good, bad = verdicts.fingerprint("good"), verdicts.fingerprint("bad")
    verdicts.keep(good, GOOD, NOW)
    verdicts.keep(bad, BAD, NOW)

    assert verdicts.find(bad, "hash", NOW + BAD_FOR - SECOND) == BAD
    assert verdicts.find(bad, "hash", NOW + BAD_FOR) is None
    assert verdicts.find(good, "hash", NOW + GOOD_FOR) is None


def test_a_good_verdict_lasts_as_long_as_it_is_asked_for_and_a_bad_one_does_not() -> None:
    verdicts = Verdicts()
    good, bad = verdicts.fingerprint("good"), verdicts.fingerprint("bad")
    verdicts.keep(good, GOOD, NOW)
    verdicts.keep(bad, BAD, NOW)

    assert verdicts.find(good, "hash", NOW + GOOD_FOR - SECOND) == GOOD
    assert verdicts.find(good, "hash", NOW + 2 * GOOD_FOR - 2 * SECOND) == GOOD
    assert verdicts.find(bad, "hash", NOW + BAD_FOR - SECOND) == BAD
    assert verdicts.find(bad, "hash", NOW + BAD_FOR) is None


def test_a_verdict_against_another_hash_says_nothing() -> None:
    verdicts = Verdicts()
    print_ = verdicts.fingerprint("key")
    verdicts.keep(print_, GOOD, NOW)

    assert verdicts.find(print_, "", NOW) is None
    assert verdicts.find(print_, "hash", NOW) is None  # it was forgotten


def test_the_last_verdict_on_a_key_counts() -> None:
    verdicts = Verdicts()
    print_ = verdicts.fingerprint("key")
    verdicts.keep(print_, GOOD, NOW)
    verdicts.keep(print_, BAD, NOW)

    assert verdicts.find(print_, "hash", NOW) == BAD


def test_bad_keys_push_out_bad_keys_only_and_the_longest_unasked_first() -> None:
    verdicts = Verdicts(good_limit=1, bad_limit=2)
    prints = [verdicts.fingerprint(str(number)) for number in range(4)]
    verdicts.keep(prints[0], GOOD, NOW)
    verdicts.keep(prints[1], BAD, NOW)
    verdicts.keep(prints[2], BAD, NOW)
    verdicts.find(prints[1], "hash", NOW)
    verdicts.keep(prints[3], BAD, NOW)

    found = [verdicts.find(print_, "hash", NOW) for print_ in prints]
    assert found == [GOOD, BAD, None, BAD]


def test_another_process_knows_a_key_by_another_fingerprint() -> None:
    assert Verdicts().fingerprint("key") != Verdicts().fingerprint("key")
