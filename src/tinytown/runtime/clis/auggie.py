"""Augment's Auggie, `auggie --print`: docs.augmentcode.com/cli/reference.

Text rather than its JSON output, which is silent until the end and would look like a stall; without a session id, each
run is a new conversation.
"""

from __future__ import annotations

from tinytown.runtime.clis.base import Cli, PromptBy
from tinytown.runtime.clis.lines import read_text

AUGGIE = Cli(
    name="auggie",
    command=("auggie", "--print", "--instruction-file", "{prompt_file}"),
    prompt=PromptBy.FILE,
    reader=read_text,
)
