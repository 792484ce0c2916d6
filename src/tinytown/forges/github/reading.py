"""From the body of an answer to a value, by the part of gidgethub that does no I/O."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urljoin

import msgspec
from gidgethub.sansio import decipher_response

from tinytown.domain.errors import ForgeError, ForgeUnavailableError
from tinytown.forges.github.transport import Reply

T = TypeVar("T")

_OK = 200


def read(reply: Reply, type_: type[T], what: str) -> T:
    """The body of an answer of status 2xx as that type.

    Raises:
        ForgeUnavailableError: it is not JSON, or was cut. ForgeError: it is JSON of another shape.
    """
    data = _data(reply, what)
    try:
        return msgspec.convert(data, type_)
    except msgspec.ValidationError as error:
        if isinstance(data, str) or data is None:
            raise _unreadable(what) from error
        raise ForgeError(f"GitHub answered {what} in a shape that is not known here: {error}") from error


def next_page(reply: Reply, url: str) -> str | None:
    """The URL of the page that follows the one at `url`."""
    found = decipher_response(_OK, {"link": reply.headers.get("link", "")}, b"")[2]
    return None if found is None else urljoin(url, found)


def hidden_by_sso(reply: Reply) -> int:
    """Of how many organisations the answer leaves something out, as the token is not authorised by single sign-on.

    https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#authorizing-your-token
    """
    kind, _, rest = reply.headers.get("x-github-sso", "").partition(";")
    if kind.strip() != "partial-results":
        return 0
    return max(1, len([one for one in rest.partition("=")[2].split(",") if one.strip()]))


def _data(reply: Reply, what: str) -> object:
    # Not all headers: a quota told in odd ones is an error to the library, whatever the body says.
    headers = {"content-type": reply.headers.get("content-type", "")}
    try:
        return decipher_response(_OK, headers, reply.body)[0]
    except (ValueError, LookupError, RecursionError) as error:  # not JSON, not UTF-8, no such character set
        raise _unreadable(what) from error


def _unreadable(what: str) -> ForgeUnavailableError:
    return ForgeUnavailableError(f"GitHub answered {what} with something that is not JSON; it is tried again")
