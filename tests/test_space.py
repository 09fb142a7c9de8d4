"""What the Hub reads of this repository as a Space: its front matter and its one `pip install`."""

from __future__ import annotations

import importlib.util
import re
from importlib.metadata import requires
from pathlib import Path
from typing import Any

from huggingface_hub import SpaceHardware
from huggingface_hub.repocard_data import SpaceCardData
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")


def _space_line() -> Any:
    spec = importlib.util.spec_from_file_location("space_line", ROOT / ".ci" / "space_line.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LINE = _space_line()
FRONT = LINE.front_matter(README)
PINS = {
    pin.name: pin
    for pin in (
        Requirement(line.partition("#")[0].strip())
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if line.partition("#")[0].strip()
    )
}


def test_the_front_matter_is_what_the_hub_takes() -> None:
    """Each key and value as the Spaces Configuration Reference has them."""
    texts = {key: value for key, value in FRONT.items() if isinstance(value, str)}
    assert set(FRONT) - set(texts) == {"tags", "hf_oauth", "hf_oauth_scopes"}
    assert {"title", "license", "thumbnail"} <= set(texts)
    assert FRONT["sdk"] == "gradio" and (ROOT / texts["app_file"]).is_file()
    assert FRONT["colorFrom"] in COLOURS and FRONT["colorTo"] in COLOURS
    assert len(FRONT["emoji"]) == 1 and not FRONT["emoji"].isascii()
    assert 0 < len(FRONT["short_description"]) <= 60
    assert FRONT["suggested_hardware"] in [one.value for one in SpaceHardware]
    assert re.fullmatch(r"[1-9]\d*[smh]", FRONT["startup_duration_timeout"])
    assert re.fullmatch(r"3\.\d+(\.\d+)?", FRONT["python_version"])
    assert FRONT["hf_oauth"] is True and FRONT["hf_oauth_scopes"] == ["contribute-repos"]
    assert all(isinstance(tag, str) for tag in FRONT["tags"])
    SpaceCardData(**FRONT)  # what the Hub's own library checks of it


def test_the_thumbnail_is_a_picture_of_this_repository() -> None:
    place = re.fullmatch(
        r"https://huggingface\.co/spaces/[\w.-]+/[\w.-]+/resolve/main/(.+)", FRONT["thumbnail"]
    )
    assert place and (ROOT / place[1]).is_file()


def test_the_space_has_the_pinned_gradio_and_a_python_that_is_tested() -> None:
    assert str(PINS["gradio"].specifier) == f"=={FRONT['sdk_version']}"
    assert PINS["gradio"].extras == {"mcp", "oauth"}
    line = LINE.space_line()
    assert f"gradio[oauth,mcp]=={FRONT['sdk_version']}" in line
    assert line[:2] == ["-r", str(ROOT / "requirements.txt")]
    offered = (ROOT / "tests" / "test_readme.py").read_text(encoding="utf-8")
    assert f'"{FRONT["python_version"]}"' in offered  # for which every pin is checked there


def test_what_the_extras_bring_is_pinned_and_allowed() -> None:
    """Gradio's own words on its extras hold for our pins, pydantic's above all."""
    wanted = [Requirement(line) for line in requires("gradio") or ()]
    of_extras = [
        one
        for one in wanted
        if one.marker
        and any(one.marker.evaluate({"extra": extra}) for extra in PINS["gradio"].extras)
        and not one.marker.evaluate({"extra": ""})
    ]
    assert {one.name for one in of_extras} >= {"mcp", "pydantic", "authlib", "itsdangerous"}
    by_name = {name.lower(): pin for name, pin in PINS.items()}
    for one in of_extras:
        (version,) = [rule.version for rule in by_name[one.name.lower()].specifier]
        assert one.specifier.contains(version), f"{one} refuses {version}"
