"""Which version of a package is installed, without importing it."""

from __future__ import annotations

import functools

from agentlog import peek

_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "yaml": "PyYAML",
    "bs4": "beautifulsoup4",
    "skimage": "scikit-image",
}


@functools.lru_cache(maxsize=256)
def version_of(package: str) -> str | None:
    """The version of the distribution that holds `package`; None where there is none of that name."""
    loaded = peek.loaded(package, "__version__")
    if type(loaded) is str:
        return loaded
    import importlib.metadata  # large, and seldom needed: not at import

    try:
        return importlib.metadata.version(_DISTRIBUTIONS.get(package, package))
    except Exception:  # not installed, or its metadata cannot be read
        return None
