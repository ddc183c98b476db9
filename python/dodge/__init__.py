"""Dodge for Python: recipes, operations and the juror on NumPy arrays; `dodge.gym` has the environment for Gymnasium.

Photos are arrays of `uint8`, `[height, width, 3]`, sRGB.
"""

from ._dodge import Juror, Recipe, __version__, operations

__all__ = ["Juror", "Recipe", "__version__", "operations"]
