"""The machines that the Hub rents out, and their prices."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gtt.errors import BadInput
from gtt.settings import nearest

if TYPE_CHECKING:  # a server loads the Hub's client when somebody asks for prices
    from huggingface_hub import HfApi, JobHardwareInfo

HOURLY = {"second": 3600.0, "minute": 60.0, "hour": 1.0}
FRESH = 600.0  # seconds that a list of machines is taken for
SHORTEST, LONGEST = 5.0, 24 * 60.0  # minutes of a job
INSTALLING = 300.0  # seconds that a machine is given to install everything, in the proposed limit
SPARE = 3.0  # times what this computer would take, likewise: the other one may be slower


@dataclass(frozen=True)
class Flavor:
    """One kind of machine, by the Hub's name for it."""

    name: str
    title: str
    cpu: str
    memory: str
    gpu: str | None
    dollars_per_hour: float

    def at_most(self, minutes: float) -> float:
        """What it costs when the time limit is used up, in dollars."""
        return self.dollars_per_hour * minutes / 60


def flavors(api: HfApi) -> list[Flavor]:
    """The machines that one process of a training can use, the cheapest first.

    Those with several GPUs would be paid for and not used; a machine whose price cannot be told is
    left out. Raises `JobRefused`.
    """
    from huggingface_hub import is_offline_mode

    from gtt.hub.jobs.job_refusals import JobRefused, job_refusal

    if is_offline_mode():
        raise JobRefused("This computer is told to stay off the Hub: unset HF_HUB_OFFLINE.")
    try:
        flavors = [_flavor(hardware) for hardware in api.list_jobs_hardware()]
    except Exception as error:
        raise job_refusal(error, api.endpoint) from error
    usable = [flavor for flavor in flavors if flavor is not None]
    return sorted(usable, key=lambda flavor: (flavor.dollars_per_hour, flavor.name))


def flavor_named(flavors: list[Flavor], name: str) -> Flavor:
    """The machine of that name; raises `BadInput` that names the nearest one."""
    for flavor in flavors:
        if flavor.name == name.strip():
            return flavor
    if not flavors:
        raise BadInput("The Hub offers no machine just now: try again later.", field="flavor")
    raise BadInput(nearest("machine", name, [flavor.name for flavor in flavors]), field="flavor")


def checked_minutes(minutes: float) -> float:
    """The time limit of a job; raises `BadInput`."""
    if not SHORTEST <= minutes <= LONGEST:
        raise BadInput(
            f"A job may take {SHORTEST:g} to {LONGEST:,g} minutes, not {minutes:g}: installing "
            "alone takes some.",
            field="minutes",
        )
    return minutes


def checked_price(flavor: Flavor, minutes: float, at_most: float | None) -> float:
    """What the person agrees to pay; raises `BadInput` with the price where that is less."""
    price = flavor.at_most(minutes)
    if at_most is None or at_most < price - 0.005:
        raise BadInput(
            f"{flavor.title} costs {dollars(flavor.dollars_per_hour)} an hour, at most "
            f"{dollars(price)} in {minutes:g} minutes, on your account at the Hub: agree to that "
            f"with at_most={dollars(price)[1:].replace(',', '')}, or take a shorter time limit.",
            field="at_most",
        )
    return at_most


def proposed_minutes(seconds_here: float | None) -> float:
    """A time limit for a run that takes so long on this computer, where that is known."""
    if seconds_here is None:
        return 60.0
    minutes = (INSTALLING + SPARE * seconds_here) / 60
    return min(LONGEST, max(15.0, 5.0 * -(-minutes // 5)))


def dollars(amount: float) -> str:
    """An amount of money for people, in whole cents and never too little."""
    return f"${math.ceil(100 * amount - 1e-6) / 100:,.2f}"


def cost_so_far(amount: float) -> str:
    """What something has cost, as far as can be told here; the Hub's bill counts."""
    return f"about {dollars(amount)}" if amount >= 0.01 else "less than $0.01"


def public_api() -> HfApi:
    """The Hub as anybody sees it, with nobody's token."""
    from huggingface_hub import HfApi

    from gtt.hub.client_timeouts import bound_waiting

    bound_waiting()
    return HfApi(token=False, library_name="gtt")


class Prices:
    """The list of machines, asked for now and then; any thread may ask."""

    def __init__(
        self,
        api: Callable[[], HfApi] = public_api,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._clock = api, clock
        self._lock = threading.Lock()
        self._flavors: list[Flavor] = []
        self._until = 0.0

    def flavors(self) -> list[Flavor]:
        """The machines; raises `JobRefused` where the Hub does not tell."""
        with self._lock:
            if self._clock() >= self._until:
                self._flavors = flavors(self._api())
                self._until = self._clock() + FRESH
            return self._flavors


def _flavor(hardware: JobHardwareInfo) -> Flavor | None:
    """The machine with its price per hour; None for one that GTT does not use."""
    hours, gpu = HOURLY.get(hardware.unit_label), None
    if hours is None or hardware.unit_cost_usd < 0:
        return None
    if hardware.accelerator is not None:
        part = hardware.accelerator
        if (part.type, part.manufacturer.lower(), part.quantity) != ("gpu", "nvidia", "1"):
            return None
        gpu = f"{part.manufacturer} {part.model}, {part.vram}"
    return Flavor(
        hardware.name,
        hardware.pretty_name,
        hardware.cpu,
        hardware.ram,
        gpu,
        hours * hardware.unit_cost_usd,
    )
