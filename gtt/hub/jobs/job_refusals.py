"""Errors of jobs on the Hub, each with one sentence that says what to do."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx2
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from gtt.errors import BadInput
from gtt.hub.refusals import TOKENS_PAGE, UNREADABLE, causes, quoted, words_of
from gtt.hub.refusals import never_arrived as never_arrived

BILLING_PAGE = "https://huggingface.co/settings/billing"


class JobRefused(BadInput):
    """The Hub does not do what was asked."""


class JobUnreachable(JobRefused):
    """The network or the Hub is not well; the same question later may be answered."""


class JobUnanswered(JobUnreachable):
    """A machine was asked for and the answer never came: it may be at work."""


class JobGone(JobRefused):
    """The Hub knows nothing of this job."""


class TokenSpent(JobRefused):
    """The token is not valid, or not any more."""


def job_refusal(error: BaseException, endpoint: str) -> JobRefused:
    """The sentence for an error of the Hub's client or of the network."""
    where = urlsplit(endpoint).hostname or endpoint
    for cause in causes(error):
        if isinstance(cause, JobRefused):
            return cause
        if isinstance(cause, HfHubHTTPError):
            return _answered(cause)
        if isinstance(cause, httpx2.ConnectError):
            return JobUnreachable(f"{where} cannot be reached: look at the network.")
        if isinstance(cause, httpx2.TransportError):
            return JobUnreachable(f"The connection to {where} broke off.")
    words = quoted(" ".join(str(error).split())) or type(error).__name__
    if isinstance(error, UNREADABLE) and not isinstance(error, HFValidationError):
        return JobUnreachable(
            f"What came from {where} is no answer of the Hub ({words}): another page may stand in "
            "between, such as the sign-in of a network."
        )
    return JobRefused(f"The Hub did not take this ({words}).")


def no_job_scope() -> TokenSpent:
    """This token may not start jobs."""
    return TokenSpent(
        "This token may not run jobs: take one with the role write, or a fine-grained one with the "
        f"permissions to start and manage jobs and to write to your repositories ({TOKENS_PAGE}).",
        field="token",
    )


def _answered(error: HfHubHTTPError) -> JobRefused:
    status, words = error.response.status_code, words_of(error)
    if status == 401:
        return TokenSpent(
            "The Hub does not know this token: it has expired or was revoked. Sign in again "
            f"(hf auth login), or make a new one at {TOKENS_PAGE}.",
            field="token",
        )
    if status == 402:
        return JobRefused(
            "This account has no credit left for machines of the Hub: add some at "
            f"{BILLING_PAGE}, or train here. Nothing was started and nothing is charged.",
            field="flavor",
        )
    if status == 403:
        return no_job_scope()
    if status == 404:
        return JobGone("The Hub knows nothing of this job: it was deleted there.")
    if status == 408:
        return JobUnreachable("The Hub took too long.")
    if status == 429:
        return JobUnreachable("The Hub has had too many requests from here.")
    if status >= 500:
        return JobUnreachable(f"The Hub is not well just now (it answered {status}).")
    return JobRefused(f"The Hub did not take this ({quoted(words)}).")
