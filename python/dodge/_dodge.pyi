"""The native module."""

from os import PathLike
from pathlib import Path
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

class Enhanced:
    """What was done to one photo."""

    @property
    def output(self) -> Path | None:
        """Where the result is; None where none was to be written."""

    @property
    def recipe(self) -> Recipe:
        """The edits that were made."""

    @property
    def expected_gain_db(self) -> float | None:
        """What the model expected of all that it wanted to do, in decibels, or would have expected where it left the photo alone."""

    @property
    def score_before(self) -> float:
        """The juror's score of the photo, from 0 to 10."""

    @property
    def score_after(self) -> float:
        """That of the result."""

    @property
    def vetoed(self) -> Recipe | None:
        """Edits that the model wanted, and the juror did not."""

    @property
    def passed_over(self) -> bool:
        """Whether the result was there already."""

    @property
    def notes(self) -> list[str]:
        """What a person should know, though nothing failed."""

class Enhancer:
    """Enhances photos as `dodge enhance` does: the same photo, model and settings give the same files to the byte.

    `model` is a file that `dodge train` wrote, or None for the model in the box. `strength` is the share of each edit that is made, from 0 to 1;
    `max_steps` the most edits; `boldness` lets it touch photos of which it expects so many decibels less; without `veto`, edits are made also
    where the juror likes what comes of them less; `to_srgb` writes results in sRGB; `tolerant` takes what can be read of a damaged file;
    `threads` is how many cores it uses, all where none is named.

    One can be used from several threads, and sent to other processes, where it reads its model again.

    Raises OSError for a model that cannot be read, and ValueError for a setting that cannot be used.
    """

    def __init__(
        self,
        model: str | PathLike[str] | None = None,
        *,
        strength: float | None = None,
        max_steps: int | None = None,
        boldness: float | None = None,
        veto: bool = True,
        to_srgb: bool = False,
        tolerant: bool = False,
        threads: int | None = None,
    ) -> None: ...
    @property
    def model(self) -> Path | None:
        """The model's file, or None for the model in the box."""

    def enhance(
        self,
        photo: str | PathLike[str] | bytes,
        output: str | PathLike[str] | None = None,
        *,
        skip_existing: bool = False,
        overwrite: bool = False,
    ) -> Enhanced:
        """Enhances one photo, a path or what a file holds.

        With an `output` the result is written there, and its recipe beside it as `<name>.recipe.json`, each whole or not at all. The same call
        given twice does its work once; with `skip_existing` the photo is not even read. Nothing else that is there is replaced, but with
        `overwrite`, and never the photo.

        Raises OSError where the photo cannot be read or the result not be written, FileExistsError where something else is in its place.
        """

    def enhance_all(
        self,
        photos: Sequence[str | PathLike[str] | bytes],
        outputs: Sequence[str | PathLike[str]] | None = None,
        *,
        skip_existing: bool = False,
        overwrite: bool = False,
    ) -> list[Enhanced | Exception]:
        """The same for many, several at a time, in their order. What fails with one photo stands in its place, and is not raised."""

def apply(
    recipe: Recipe | str | PathLike[str],
    photo: str | PathLike[str],
    output: str | PathLike[str],
    *,
    to_srgb: bool = False,
    tolerant: bool = False,
    overwrite: bool = False,
) -> bool:
    """Replays a recipe on a photo at its full size, with its profile and metadata, and writes the result, as `dodge apply` does.

    Returns whether it was written now: False where it was there already, the same to the byte. Raises as `Enhancer.enhance`.
    """

def places(manifest: str | PathLike[str], folder: str | PathLike[str]) -> list[tuple[Path, Path]]:
    """The photos of a list, a path on each line, each with the place of its result below a folder.

    They are those of `dodge enhance --manifest`. Raises OSError where the list cannot be read, and ValueError for what is none.
    """

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
    ) -> None: ...
    @property
    def observation_len(self) -> int: ...
    @property
    def actions(self) -> list[str]: ...
    def __len__(self) -> int: ...
    def reset(self, seed: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.bool_]]: ...
    def step(
        self, actions: NDArray[np.int64], autoreset: str
    ) -> tuple[
        NDArray[np.float32],
        NDArray[np.float32],
        NDArray[np.bool_],
        NDArray[np.bool_],
        list[NDArray[np.float32] | None],
    ]: ...
