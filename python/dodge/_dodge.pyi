"""The native module."""

from os import PathLike
from typing import Any, Sequence

import numpy as np
from numpy.typing import NDArray

__version__: str

class Recipe:
    """Operations in their order, each as it is written: `contrast:1.2`."""

    def __init__(self, operations: Sequence[str], longer_side: int | None = None) -> None: ...
    @staticmethod
    def load(path: str | PathLike[str]) -> Recipe: ...
    def save(self, path: str | PathLike[str]) -> None: ...
    @property
    def operations(self) -> list[str]: ...
    @property
    def longer_side(self) -> int | None: ...
    def apply(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]: ...
    def scaled(self, share: float) -> Recipe: ...
    def __len__(self) -> int: ...

def operations() -> list[dict[str, Any]]:
    """All kinds of operations: `name`, `about` and `range`, or None where it takes a word."""

class Juror:
    """Scores photos from 0 to 10, by rules: brightness, contrast, colour."""

    def __init__(self) -> None: ...
    def scores(self, photos: Sequence[NDArray[np.uint8]]) -> list[float]: ...

class PhotoEnvironments:
    """Several environments that are stepped together; `dodge.gym` has them as Gymnasium knows environments."""

    def __init__(
        self,
        count: int,
        photos: str | PathLike[str] | None = None,
        actions: Sequence[str] | None = None,
        max_steps: int = 10,
        damage: str = "standard",
        seed: int = 0,
    ) -> None: ...
    @property
    def observation_len(self) -> int: ...
    @property
    def actions(self) -> list[str]: ...
    def __len__(self) -> int: ...
    def reset(self, seed: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.bool_]]: ...
    def step(
        self, actions: NDArray[np.int64], autoreset: bool
    ) -> tuple[
        NDArray[np.float32],
        NDArray[np.float32],
        NDArray[np.bool_],
        NDArray[np.bool_],
        list[NDArray[np.float32] | None],
    ]: ...
