"""Errors of pushes, each with one sentence that says what to do.

The Hub answers with a status and words of its own. Those words are quoted only where none of the
sentences here fits, since they change and name internals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from gtt.errors import BadInput

TOKENS_PAGE = "https://huggingface.co/settings/tokens"
GO_ON = "Nothing was published. Push again: what has arrived is not sent again."
_FULL = re.compile(r"storage|quota|billing|payment|upgrade your plan|limit reached", re.IGNORECASE)
# How an answer fails that is none: another page, or other values than the Hub's client expects.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError)
UNHEARD = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
LONGEST_QUOTE = 200  # characters of the Hub's own words


class PushRefused(BadInput):
    """A push cannot be done as it was asked for: another name, another token, more room."""


class PushBroken(PushRefused):
    """A push broke off and can go on: the same call again, without sending what has arrived."""


class PushUnanswered(PushBroken):
    """The same, and what was asked of the Hub last may have been done all the same."""


class PushOvertaken(PushRefused):
    """Somebody else changed the repository first."""


def refusal_of(
    error: BaseException, repo: str, where: str = "huggingface.co", *, by_sign_in: bool = False
) -> PushRefused:
    """The sentence for an error of the Hub's client or of the network.

    `by_sign_in` is where visitors have no field for a token, but the sign-in with Hugging Face.
    """
    for cause in causes(error):
        if isinstance(cause, PushRefused):
            return cause
        if isinstance(cause, HfHubHTTPError):
            return _answered(cause, repo, by_sign_in)
        if isinstance(cause, (httpx2.ConnectError, httpx2.ConnectTimeout)):
            return PushBroken(
                f"{where} cannot be reached: look at the network, then push again. Nothing was "
                "published."
            )
        if isinstance(cause, httpx2.TransportError):
            return PushUnanswered(f"The connection to {where} broke off. {GO_ON}")
    words = " ".join(str(error).split())
    is_unreadable = isinstance(error, UNREADABLE) and not isinstance(error, HFValidationError)
    if is_unreadable and not _FULL.search(words):
        return PushUnanswered(
            f"What came from {where} is no answer of the Hub ({quoted(words) or 'nothing'}): "
            f"another page may stand in between, such as the sign-in of a network. {GO_ON}"
        )
    return refused_with(words)


def refused_with(words: str) -> PushRefused:
    """The sentence for a refusal of which there are only the Hub's own words."""
    if _FULL.search(words):
        return _no_room(words)
    return PushRefused(f"The Hub did not take the push ({quoted(words)}). Nothing was published.")


def never_arrived(error: BaseException) -> bool:
    """Whether the Hub has surely not done what it was asked: it said so, or heard nothing."""
    for cause in causes(error):
        if isinstance(cause, HfHubHTTPError):
            return 400 <= cause.response.status_code < 500 and cause.response.status_code != 408
        if isinstance(cause, UNHEARD):
            return True
    return False


def _answered(error: HfHubHTTPError, repo: str, by_sign_in: bool) -> PushRefused:
    status = error.response.status_code
    words = words_of(error)
    if status == 401:
        way_out = (
            "Sign in with Hugging Face again, then push again."
            if by_sign_in
            else f"Sign in again (hf auth login), or make a new one at {TOKENS_PAGE}."
        )
        return PushRefused(
            f"The Hub does not know this {'sign-in' if by_sign_in else 'token'}: it has expired or "
            f"was revoked. {way_out}",
            field="token",
        )
    if status in (402, 413, 507) or _FULL.search(words):
        return _no_room(words)
    if status == 403:
        return no_write_scope(repo, by_sign_in=by_sign_in)
    if status == 404:
        return PushRefused(
            f"{repo} is not there, or this token may not see it: look at the name and at the "
            "token's permissions.",
            field="repo",
        )
    if status in (409, 412):
        return PushOvertaken(
            f"{repo} was changed by somebody else during the push, and was left as they made it: "
            "choose another name.",
            field="repo",
        )
    if status == 429:
        return PushBroken(
            "The Hub has had too many requests from here: push again in some minutes."
        )
    if status == 408:
        return PushUnanswered(f"The Hub took too long. {GO_ON}")
    if status >= 500:
        return PushUnanswered(f"The Hub is not well just now (it answered {status}). {GO_ON}")
    return refused_with(words)


def no_write_scope(repo: str, *, by_sign_in: bool = False) -> PushRefused:
    """This token may not make or change that repository."""
    owner = repo.partition("/")[0]
    if by_sign_in:
        return PushRefused(
            f"This sign-in may not write to {repo}: it may make repositories and change those that "
            "it made. Choose a new name, or sign in again and allow it to write.",
            field="repo",
        )
    return PushRefused(
        f"This token may not write for {owner}: take one with the role write, or a fine-grained "
        f"one that may write to {owner}'s repositories ({TOKENS_PAGE}).",
        field="token",
    )


def _no_room(words: str) -> PushRefused:
    return PushRefused(
        f"The Hub has no room left for this account ({quoted(words)}). Delete something there, "
        "take a smaller model, or push it as public where that has more room. Nothing was "
        "published."
    )


def words_of(error: HfHubHTTPError) -> str:
    """What the Hub says of a refusal, in its own words."""
    words = error.server_message or error.response.headers.get("x-error-message") or str(error)
    return " ".join(str(words).split())


def quoted(words: str) -> str:
    """The Hub's words, short and without addresses."""
    text = re.sub(r"https?://\S+|Request ID: \S+", "", words).strip(" .():")
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those behind it."""
    cause: BaseException | None = error
    for _ in range(10):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__
