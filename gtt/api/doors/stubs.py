"""The private door into Gradio that has to be open before Gradio is imported."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from gtt.api.doors import behind

MODULE = "gradio.component_meta"
WRITER = "create_or_modify_pyi"


class _WithoutStubs(Loader):
    """Loads a module and takes from it what writes stubs."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        _take_writer_from(module)


class _Finder(MetaPathFinder):
    """Finds that one module, once."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _WithoutStubs(spec.loader)
        return spec


def write_no_stubs() -> None:
    """Lets the import of Gradio write no stubs for editors beside its components' sources.

    Why: with every import it parses the sources of 80 components and writes each one's events down
    anew, which is two fifths of the time that the import takes; there is no setting for it.
    """
    if MODULE in sys.modules:
        _take_writer_from(sys.modules[MODULE])
    else:
        sys.meta_path.insert(0, _Finder())


def _take_writer_from(module: ModuleType) -> None:
    behind("gradio", module, WRITER)
    setattr(module, WRITER, _write_nothing)


def _write_nothing(*component: Any) -> None:
    pass
