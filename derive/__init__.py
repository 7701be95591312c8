"""derive: a compiler from mathematics to training code.

`import derive` loads nothing else: each name below is imported when it is first asked for.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# name here -> "module", or "module:name in it"
_EXPORTS = {
    "calculus": "derive.calculus",
    "check": "derive.check",
    "errors": "derive.errors",
    "layers": "derive.layers",
    "networks": "derive.networks",
    "optimizers": "derive.optimizers",
    "runtime": "derive.runtime",
    "show": "derive.show",
    "CheckFailed": "derive.errors:CheckFailed",
    "DeriveError": "derive.errors:DeriveError",
}


def __getattr__(name: str) -> Any:
    """Import an exported name the first time that it is used."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'derive' has no attribute {name!r}")
    module, _, attribute = _EXPORTS[name].partition(":")
    loaded = import_module(module)
    return getattr(loaded, attribute) if attribute else loaded


def __dir__() -> list[str]:
    """List the exported names without importing them."""
    return sorted({*globals(), *_EXPORTS})
