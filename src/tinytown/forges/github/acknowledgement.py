"""Telling thanks from requests: "Done", "Thanks, looks good!" or a thumb ask nobody to change anything."""

from __future__ import annotations

import re

_GIFT = r"(?: fix| change| changes| update| updates| work| review| explanation)"
_PHRASES = (
    rf"thanks?(?: you)?(?: (?:so|very) much| a lot)?(?: for (?:the|this|that|your)(?: quick)?{_GIFT}?| for fixing(?: it)?)?",
    r"thx|ty|cheers|done|fixed|resolved|addressed|updated|merged|ack|acknowledged|noted|agreed|understood",
    r"ok(?:ay)?|great(?: work| job)?|nice(?: work| one| catch)?|good (?:job|work|catch|point|idea)|cool|perfect|awesome",
    r"excellent|lgtm|sgtm|ltgm|wfm|will do|got it|makes sense|fair enough|sounds good",
    r"(?:this |that |it |all |now |everything )*looks (?:very )?(?:good|great|fine)(?: to me)?(?: now)?",
    r"in [0-9a-f]{7,40}|as of [0-9a-f]{7,40}",
    r"\+1|:\+1:|:(?:thumbsup|tada|rocket|heart|white check mark|pray|ok hand|100|smile):",
)
_PHRASE = re.compile(rf"(?:{'|'.join(_PHRASES)})(?![\w])")
_FILLER = re.compile(r"(?:and|now|here|all|so|much|very|again|then|well|i|we|have|it|this|that|is|too)(?![\w])")
_EMOJI = re.compile(r"[👍👌✅🎉🚀❤💯🙏😄🙂😊👏🤝\ufe0f\u200d\U0001f3fb-\U0001f3ff]+")
_BETWEEN = re.compile(r"[\s.,!;:)(~*_`'\"-]+")
_QUOTED = re.compile(r"^\s*>.*$", re.MULTILINE)
_MENTION = re.compile(r"(?<!\w)@[\w-]+(?:\[bot\])?")
_LONGEST = 200


def is_acknowledgement(text: str) -> bool:
    """Whether a remark only confirms or thanks, in English or by a sign; what quotes another says nothing itself."""
    said = _MENTION.sub(" ", _QUOTED.sub("", text)).strip().casefold()
    if len(said) > _LONGEST:
        return False
    position, confirms = 0, not said
    while position < len(said):
        if match := _EMOJI.match(said, position) or _PHRASE.match(said, position):
            confirms = True
        else:
            match = _FILLER.match(said, position) or _BETWEEN.match(said, position)
        if match is None:
            return False
        position = match.end()
    return confirms
