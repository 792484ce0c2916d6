from __future__ import annotations

import pytest

from tinytown.planner.prose import BlockKind, first_heading, read_blocks


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("# Design the API\n\nText", "Design the API"),
        ("Text\n\n## Design *the* API ##\n\n# Later", "Design the API"),
        ("Design\nthe API\n===", "Design the API"),
        ("# [Design](https://github.com/o/r/issues/5)", "Design"),
        ("# ~~Draw~~ Design `x`", "Design"),
        ("#\n\n# `x`\n\n# Design", "Design"),
        ("> # Quoted\n\n# Design", "Design"),
        ("```\n# Code\n```\n\n# Design", "Design"),
        ("Text", None),
        ("", None),
    ],
)
def test_first_heading_is_found_as_plain_text(body: str, title: str | None) -> None:
    assert first_heading(body) == title


def test_blocks_keep_the_nesting_of_lists() -> None:
    (listing,) = read_blocks("- a\n  - b\n- [x] c")

    assert listing.kind is BlockKind.LIST
    assert [entry.kind for entry in listing.blocks] == [BlockKind.ENTRY, BlockKind.HIDDEN]
    assert [block.kind for block in listing.blocks[0].blocks] == [BlockKind.TEXT, BlockKind.LIST]
    assert listing.blocks[1].blocks == []


def test_comment_leaves_no_block_and_code_leaves_a_hidden_one() -> None:
    assert [block.kind for block in read_blocks("a\n\n<!-- b -->\n\n    c\n\nd")] == [
        BlockKind.TEXT,
        BlockKind.HIDDEN,
        BlockKind.TEXT,
    ]
