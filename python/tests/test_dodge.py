"""What `import dodge` gives."""

import pickle
import time

import numpy as np
import pytest

import dodge


def photo(height: int = 40, width: int = 60) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def test_a_recipe_is_applied_stored_and_sent_elsewhere(tmp_path):
    recipe = dodge.Recipe(["gamma:1.4", "saturation:0.5"], longer_side=60)
    before = photo()
    after = recipe.apply(before)
    assert after.shape == before.shape and after.dtype == np.uint8 and (after != before).any()
    assert (recipe.scaled(0.0).apply(before) == before).all()
    # Whatever the order of the axes in memory.
    assert (recipe.apply(np.asfortranarray(before)) == after).all()
    recipe.save(tmp_path / "a.recipe.json")
    for other in [dodge.Recipe.load(tmp_path / "a.recipe.json"), pickle.loads(pickle.dumps(recipe))]:
        assert other == recipe and other.operations == ["gamma:1.4", "saturation:0.5"] and len(other) == 2
        assert (other.apply(before) == after).all()


def test_what_cannot_be_used_is_told(tmp_path):
    with pytest.raises(ValueError, match="gama"):
        dodge.Recipe(["gama:1.4"])
    with pytest.raises(OSError, match="missing"):
        dodge.Recipe.load(tmp_path / "missing.json")
    with pytest.raises(ValueError, match="height, width, 3"):
        dodge.Recipe([]).apply(np.zeros((4, 4, 4), np.uint8))
    with pytest.raises(ValueError, match="an array of uint8 is needed, and not of float32"):
        dodge.Recipe([]).apply(np.zeros((4, 4, 3), np.float32))
    with pytest.raises(ValueError):
        dodge.Recipe([]).scaled(2.0)


def test_operations_say_what_they_do():
    known = {operation["name"]: operation for operation in dodge.operations()}
    low, neutral, high = known["contrast"]["range"]
    assert low < neutral == 1.0 < high and known["crop"]["range"] is None and len(known["gamma"]["about"]) > 10


def test_the_juror_scores_many_at_a_time():
    good = photo()
    scores = dodge.Juror().scores([good, (good // 8), good])
    assert scores[0] == scores[2] and scores[1] < scores[0] and all(0 <= score <= 10 for score in scores)


def test_the_lock_of_the_interpreter_is_free_while_a_photo_is_worked_on():
    import threading

    recipe, large = dodge.Recipe(["median-blur:12"]), photo(1500, 1500)
    worker = threading.Thread(target=recipe.apply, args=(large,))
    worker.start()
    turns = 0
    while worker.is_alive():
        turns += 1
        time.sleep(0.001)
    assert turns > 3
