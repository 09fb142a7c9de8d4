"""An HTML page that is one file: what it shows lies in it, and its browser loads nothing else."""

from __future__ import annotations

import html
import string
from typing import Any

# Nothing is loaded from anywhere and nothing is sent: the browser holds the page to it.
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
    "style-src 'unsafe-inline'"
)
_PAGE = string.Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="$policy">
<link rel="icon" href="data:,">
<title>$title</title>
<style>
$style
</style>
</head>
<body>
$body
</body>
</html>
""")


def text(value: Any) -> str:
    """Any value as text in HTML. What no file could hold becomes U+FFFD."""
    whole = str(value).encode("utf-8", "replace").decode("utf-8")
    return html.escape("".join(c if c >= " " or c in "\n\t" else "\ufffd" for c in whole))


def one_file(title: str, style: str, body: str, *, scripts: bool = False) -> str:
    """The page; its scripts run only where it has `scripts`, of its own and in workers."""
    more = "; script-src 'unsafe-inline' blob:; worker-src blob:" if scripts else ""
    return _PAGE.substitute(title=text(title), policy=POLICY + more, style=style, body=body.strip())
