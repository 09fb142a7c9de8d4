"""Where runs and corpora live: `$GTT_HOME`, by default `.gtt` beside the app."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BESIDE_THE_APP = Path(__file__).resolve().parents[2] / ".gtt"


@dataclass(frozen=True)
class Home:
    """The folders GTT writes to, and the one it may find shared texts in."""

    path: Path
    sources: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Home:
        """Reads `GTT_HOME` and `GTT_SOURCES`; an empty value counts as unset."""
        sources = environment.get("GTT_SOURCES")
        return cls(
            path=Path(environment.get("GTT_HOME") or BESIDE_THE_APP).expanduser().absolute(),
            sources=Path(sources).expanduser().absolute() if sources else None,
        )

    @property
    def corpora(self) -> Path:
        """Tokenised texts, one folder per fingerprint."""
        return self.path / "corpora"

    @property
    def runs(self) -> Path:
        """Run folders."""
        return self.path / "runs"

    @property
    def workspaces(self) -> Path:
        """Visitors' desks: a draft and the texts they brought."""
        return self.path / "workspaces"

    def uploads_of(self, owner: str | None) -> Path | None:
        """Where the texts lie that the owner of a run brought; None for a run of the terminal."""
        return self.workspaces / owner / "uploads" if owner else None

    def new_run(self, name: str) -> Path:
        """A free place for a run. The last part is not to be guessed: it opens the run."""
        plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in name)[:40].strip("-")
        stamp = time.strftime("%Y%m%d-%H%M%S")
        return self.runs / f"{plain or 'run'}-{stamp}-{secrets.token_hex(8)}"
