"""Where the runtime keeps what can be made again: the user's own cache folder."""

import os
from pathlib import Path


def user_folder(kind: str) -> Path:
    """`$XDG_CACHE_HOME/derive/<kind>`, else `~/.cache/derive/<kind>`.

    A relative XDG_CACHE_HOME is ignored, as its specification wants.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = named if named.is_absolute() else Path.home() / ".cache"
    return base / "derive" / kind
