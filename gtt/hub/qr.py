"""A link as a QR code, for telephones: a picture for the page, letters for a terminal."""

from __future__ import annotations

import io
from functools import lru_cache

QUIET = 4  # modules of light around it, which the standard asks for


@lru_cache(maxsize=64)
def qr_svg(link: str) -> str:
    """An SVG element, dark on light whatever the page is like, since that is what cameras read."""
    import segno

    code = segno.make(link, error="m", micro=False)
    svg: str = code.svg_inline(
        border=QUIET, dark="#000", light="#fff", omitsize=True, title="QR code of the link"
    )
    return svg


def qr_letters(link: str) -> str:
    """The same for a terminal, two rows of modules to a line."""
    import segno

    out = io.StringIO()
    segno.make(link, error="m", micro=False).terminal(out, border=QUIET, compact=True)
    return out.getvalue()
