"""GTT's page and interface: `python app.py`, and what a Space starts."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType

# Read by Gradio and the Hub's library when they are imported: nothing is reported to anybody.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Nor written down: Gradio would sum up the last 10,000 events anew after each one, 8 ms and 10 MB.
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**62)

from starlette.middleware import Middleware

from gtt.api.doors.stubs import write_no_stubs
from gtt.api.first_script import ScriptFirst
from gtt.api.guard import guarding
from gtt.api.guard.connections import bound_connections
from gtt.api.guard.layers import refuse_unguarded
from gtt.api.guard.open_routes import open_routes
from gtt.api.service import Service
from gtt.console import write_anything
from gtt.errors import GTTError
from gtt.listening import (
    Address,
    address_from,
    reach_oneself,
    refuse_unusable,
    settle_sub_path,
    where_to_open,
)
from gtt.rest import routes
from gtt.runs.home import Home
from gtt.runs.limits import Limits, is_on_space
from gtt.runs.stopping import farewell
from gtt.training.memory import give_freed_memory_back

MAX_EVENTS = 200  # of the queue at the same time: each follower of a run is one
SESSIONS = 50  # that Gradio remembers: the page keeps nothing in them


def main() -> int:
    """Serves until SIGINT or SIGTERM; the runs go on and are found again by the next start."""
    gc.disable()  # what is imported stays: to look through it again and again costs a start time
    write_anything()
    give_freed_memory_back()
    reach_oneself()
    try:
        address = address_from(on_space=is_on_space())
        refuse_unusable(address)
        settle_sub_path()
        home, limits = Home.from_environment(), Limits.from_environment()
        home.keep_caches()
        # Where Gradio keeps files, which count with all else then; read when a component is made.
        os.environ["GRADIO_TEMP_DIR"] = str(home.cache)
        service = Service(home, limits)
        keep_forms_in(home.cache / "forms")  # behind the claim on the home: it may be another's
    except GTTError as error:
        print(f"gtt: {error}", file=sys.stderr)
        return 2
    try:
        serve(service, address)
    except GTTError as error:
        print(f"gtt: {error}", file=sys.stderr)
        return 2
    finally:
        going = service.manager.at_work()
        service.close()
    for line in farewell(going):
        print(line, flush=True)
    return 0


def keep_forms_in(folder: Path) -> None:
    """Lets forms that arrive be written there, where they count; what a crash left goes."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # a home that cannot be written is told of in a moment
        folder.mkdir(parents=True)
        tempfile.tempdir = str(folder)


def serve(service: Service, address: Address) -> None:
    """Launches the page and waits for a signal."""
    write_no_stubs()
    from gtt.api.doors.gradio import signed_in_token
    from gtt.api.gradio_adapter import known_calls, make_queue_frugal
    from gtt.ui.assets import asset_routes, first_scripts, head
    from gtt.ui.page import build
    from gtt.ui.theme import CSS, theme
    from gtt.ui.views import calling

    demo = build(service)
    demo.queue(max_size=256, default_concurrency_limit=8)
    make_queue_frugal(demo, service.unread)
    bound_connections()
    first = first_scripts("frames", "surroundings")
    ours = [*asset_routes(), *routes(service, signed_in_token)]
    launch = partial(
        demo.launch,
        server_name=address.name,
        server_port=address.port,
        prevent_thread_lock=True,
        quiet=True,  # its words are of a public link that there is not
        max_threads=MAX_EVENTS,
        state_session_capacity=SESSIONS,
        max_file_size=service.limits.upload_bytes,
        theme=theme(),
        css=CSS,
        head=head(),
        js=calling("start", module="page/main.js"),
        ssr_mode=False,
        enable_monitoring=False,
        run_history=False,
        show_error=False,
        app_kwargs={
            "routes": ours,
            "middleware": [Middleware(ScriptFirst, first)],
            "lifespan": guarding(
                routes=ours,
                gradios=open_routes(),
                allowed_hosts=service.limits.allowed_hosts,
                on_space=is_on_space(),
                space_host=os.environ.get("SPACE_HOST"),
                max_upload_bytes=service.limits.upload_bytes,
                receive_file=service.receive_file,
                open_page=partial(service.rates.take, "page"),
                cache=service.home.cache,
                known_calls=known_calls(demo),
            ),
        },
    )
    asked = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        app, _, _ = launch()  # a stop that comes meanwhile is heeded after it
    except OSError:  # somebody was quicker
        refuse_unusable(address)
        raise
    refuse_unguarded(app)
    print(where_to_open(address), flush=True)
    # What is here by now stays; the collector need not go through it with every page it serves.
    gc.collect()
    gc.freeze()
    gc.enable()
    asked.wait()
    demo.close()


if __name__ == "__main__":
    sys.exit(main())
