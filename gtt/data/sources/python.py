"""The source code of the standard library of the Python that runs GTT."""

from __future__ import annotations

from gtt.config import DataConfig
from gtt.data.python_source_code import python_identity, read_python
from gtt.data.sources.source import OpenedSource, Places, Source


class Python(Source):
    """Megabytes of code on every machine."""

    name = "python"
    title = "Python's standard library"
    description = "The source code of the standard library of the Python that runs GTT."
    licence = "PSF-2.0"
    licence_id, licence_name, language = "other", "psf-2.0", "code"
    citation = "Python Software Foundation, https://www.python.org"
    url = "https://docs.python.org/3/library/"
    order = 60
    offline = True

    def open(
        self, data: DataConfig, places: Places, limit: int | None, most: int | None = None
    ) -> OpenedSource:
        """Each source file is one document."""
        return OpenedSource(python_identity(), limit, lambda _: read_python())
