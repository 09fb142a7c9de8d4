"""What every request passes before it reaches the application: docs/decisions/0023-the-guard.md.

`guarding` puts the layers around an application, from the outside inwards: `middleware` (host,
origin, route, size, headers), `page_cache`, `gradio_bodies` with `gradio_calls`, `cache_paths`.
Below HTTP `connections` bounds those that are open; beside Gradio's queue `unread_results` bounds
what waits there.
"""

from gtt.api.guard.layers import guarding
from gtt.api.guard.middleware import Guard

__all__ = ["Guard", "guarding"]
