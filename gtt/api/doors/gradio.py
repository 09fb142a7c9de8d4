"""The private doors into Gradio."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import gradio as gr
import gradio.utils
from gradio import context, oauth, state_holder

from gtt.api.doors import behind

BETWEEN_LOOKS = 0.02  # seconds
BETWEEN_PROGRESS = 0.1


def look_for_events_rarely(page: gr.Blocks) -> None:
    """Lets a page's queue look for events 50 times a second instead of a thousand times.

    Why: that alone takes 4 % of a core, and there is no setting for it.
    """
    queue = _queue_of(page, "sleep_when_free", "progress_update_sleep_when_free")
    queue.sleep_when_free = BETWEEN_LOOKS
    queue.progress_update_sleep_when_free = BETWEEN_PROGRESS


def keep_results_in(page: gr.Blocks, results: MutableMapping[str, Any]) -> None:
    """Keeps the messages of each session, a queue each, in `results`.

    Why: Gradio keeps what nobody fetches until the server ends.
    """
    queue = _queue_of(page, "pending_messages_per_session")
    queue.pending_messages_per_session = results


def forget_session(page: gr.Blocks, session: str) -> None:
    """Lets go of the events of a session whose results are gone."""
    _queue_of(page, "pending_event_ids_session").pending_event_ids_session.pop(session, None)


def has_session(page: gr.Blocks, session: str) -> bool:
    """Whether results of a session may be asked for.

    Why: Gradio answers for one that there is not with a fault and a page of log.
    """
    return session in behind("gradio", page, "_queue", "pending_messages_per_session")


def has_event(page: gr.Blocks, event: str) -> bool:
    """Whether the result of an event may be asked for; why, as with `has_session`."""
    at_work = behind("gradio", page, "_queue", "event_ids_to_events")
    by_session = behind("gradio", page, "_queue", "pending_event_ids_session")
    return (
        event in at_work
        or has_session(page, event)
        or any(event in events for events in by_session.values())
    )


def event_names(page: gr.Blocks) -> Mapping[int, str | None]:
    """The events of a page by number, with the names that they are called by.

    Why: `get_api_info` leaves out those of the page itself, which may be called as well.
    """
    events: Mapping[int, Any] = behind("gradio", page, "fns")
    return {number: behind("gradio", event, "api_name") or None for number, event in events.items()}


def event_at_work() -> str | None:
    """The id of the event in which this is asked.

    Why: whose desk a result counts on is known only where the event is worked on.
    """
    event_id: str | None = behind("gradio", context, "LocalContext", "event_id").get(None)
    return event_id


def request_at_work() -> Any:
    """The request of the event in which this is asked, None outside of one.

    Why: an event of the page takes no request, which its function would have to name.
    """
    return behind("gradio", context, "LocalContext", "request").get(None)


def signed_in_token(session: MutableMapping[str, Any]) -> str | None:
    """The token of a visitor who is signed in with Hugging Face, None where nobody is.

    Why: Gradio hands it to events of its own alone; this page asks over REST.
    """
    valid = behind("gradio", oauth, "_get_valid_oauth_info_from_session")(session)
    token: str | None = valid.get("access_token") if valid else None
    return token


def cache_folder(component: Any) -> Path:
    """Where Gradio keeps the files that a component gives out; it clears them by and by."""
    return Path(behind("gradio", component, "GRADIO_CACHE"))


class _Nothing(dict[int, dict[str, Any]]):
    """A dict that stays empty, in place of those in which Gradio copies component settings."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: int) -> dict[str, Any]:
        return {}

    def __setitem__(self, key: int, value: dict[str, Any]) -> None:
        pass


class SmallSession(state_holder.SessionState):  # type: ignore[misc]
    """A session without a copy of every component's settings and values: `keep_sessions_small`."""

    class _Page:
        """What there is to begin with."""

        def __init__(self, blocks: Any) -> None:
            self.default_config = behind("gradio", blocks, "default_config")
            self.blocks = ()

    def __init__(self, blocks: Any) -> None:
        super().__init__(self._Page(blocks))
        self.config_values = _Nothing()

    def _update_config(self, key: int) -> None:
        pass


def keep_sessions_small() -> None:
    """Lets sessions of this process's pages keep no copies.

    Why: Gradio keeps one for links to the state of a page, which are closed here. For this page it
    is half a megabyte and 60 ms of the event loop with the first event of each session; every call
    of the interface from outside is a session.
    """
    behind("gradio", state_holder, "SessionState", "_update_config")
    state_holder.SessionState = SmallSession


def leave_matplotlib_out() -> None:
    """Lets events of this process's pages load no library for figures.

    Why: Gradio sets matplotlib's backend around every event, for functions that draw with pyplot:
    with the first one that is a second in which nobody is answered, and 35 MB. Ours draw elsewhere.
    """
    behind("gradio", gradio.utils, "MatplotlibBackendMananger")
    gradio.utils.MatplotlibBackendMananger = nullcontext


def _queue_of(page: gr.Blocks, *names: str) -> Any:
    """The queue of a page, which has attributes of these names."""
    queue = behind("gradio", page, "_queue")
    for name in names:
        behind("gradio", queue, name)
    return queue
