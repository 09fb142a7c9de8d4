"""The server under load: `python benchmarks/service.py latency|followers|load|status|hostile`.

Each starts `python app.py` on a free port with a home of its own and prints one JSON object, with
what it has missed of what the server must reach; the exit code is 1 then. Run them on an idle
machine: clients, server and training share its cores, as they would in a class.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from service_hostile import hostile
from service_load import load
from service_speed import followers, latency, status

COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {
    "latency": latency,
    "followers": followers,
    "load": load,
    "status": status,
    "hostile": hostile,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("latency")
    one.add_argument("--rounds", type=int, default=5)
    two = commands.add_parser("followers")
    two.add_argument("--rounds", type=int, default=3)
    two.add_argument("--clients", type=int, default=8)
    two.add_argument("--steps", type=int, default=200)
    three = commands.add_parser("load")
    three.add_argument("--clients", type=int, default=50)
    three.add_argument("--minutes", type=float, default=5)
    four = commands.add_parser("status")
    four.add_argument("--rounds", type=int, default=50)
    five = commands.add_parser("hostile")
    five.add_argument("--visitors", type=int, default=20)
    five.add_argument("--seconds", type=float, default=15, help="that each attack goes on")
    five.add_argument("--only", help="attacks by name, separated by commas; left out, all")
    options = vars(parser.parse_args())
    report = COMMANDS[options.pop("command")](**options)
    print(json.dumps(report, indent=2))
    return 1 if report["missed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
