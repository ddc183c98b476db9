"""Dodge for Python: photos are enhanced as `dodge enhance` does it, recipes replayed, photos scored.

`Enhancer`, `apply` and `places` work on files; `Recipe` and `Juror` on arrays of `uint8`, `[height, width, 3]`, sRGB. `dodge.gym` has the
environment for Gymnasium, `python -m dodge.ray` enhances lists of photos on a Ray cluster.
"""

from ._dodge import Enhanced, Enhancer, Juror, Recipe, __version__, apply, operations, places

__all__ = ["Enhanced", "Enhancer", "Juror", "Recipe", "__version__", "apply", "operations", "places"]
