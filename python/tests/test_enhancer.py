"""Photos are enhanced as the program does it."""

import pickle
import threading
from pathlib import Path

import pytest

import dodge
from conftest import files, photos, png, scene


def test_files_are_those_of_the_program(tmp_path, program):
    sources = photos(tmp_path / "in", 12)
    for number, (settings, flags) in enumerate(
        [({}, []), ({"strength": 0.5, "veto": False}, ["--strength=0.5", "--no-veto"]), ({"max_steps": 1}, ["--max-steps=1"])]
    ):
        whole, ours = tmp_path / f"whole-{number}", tmp_path / f"ours-{number}"
        program("enhance", "--manifest", tmp_path / "in/list.txt", "-o", whole, *flags)
        places = dodge.places(tmp_path / "in/list.txt", ours)
        assert [photo for photo, _ in places] == sources
        done = dodge.Enhancer(**settings).enhance_all(*zip(*places))
        assert files(ours) == files(whole) and len(files(whole)) == 24
        assert any(len(it.recipe) > 0 for it in done) and not any(it.passed_over for it in done)
        for it, (_, output) in zip(done, places):
            assert it.output == output and it.recipe == dodge.Recipe.load(output.with_suffix(".recipe.json"))
            assert 0 < it.score_before <= it.score_after + (0 if settings.get("veto", True) else 10)
    # A recipe that is replayed gives the same picture.
    photo, output = places[0]
    assert dodge.apply(output.with_suffix(".recipe.json"), photo, tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == output.read_bytes()
    assert not dodge.apply(done[0].recipe, photo, tmp_path / "again.png"), "the same was there already"
    with pytest.raises(FileExistsError, match="is there already"):
        dodge.apply(dodge.Recipe(["gamma:1.4"]), photo, output)
    with pytest.raises(FileExistsError, match="place of the input"):
        dodge.apply(done[0].recipe, photo, photo, overwrite=True)


def test_what_is_there_is_passed_over(tmp_path):
    photo = photos(tmp_path / "in", 2)[0]
    enhancer, output = dodge.Enhancer(), tmp_path / "out/0.png"
    first = enhancer.enhance(photo, output)
    assert len(first.recipe) > 0 and first.expected_gain_db > 0 and first.score_after > first.score_before
    written = files(tmp_path / "out")
    again = enhancer.enhance(photo, output)
    assert again.passed_over and again.recipe == first.recipe and again.score_after == first.score_after
    photo.write_bytes(b"no photo any more")
    assert enhancer.enhance(photo, output, skip_existing=True).passed_over
    with pytest.raises(OSError, match="0.png"):
        enhancer.enhance(photo, output)
    # Of other settings is no result of the same work.
    other = dodge.Enhancer(strength=0.5)
    photo.write_bytes(png(scene(0)))
    with pytest.raises(FileExistsError, match="is there already"):
        other.enhance(photo, output)
    assert files(tmp_path / "out") == written
    assert not other.enhance(photo, output, overwrite=True).passed_over
    assert files(tmp_path / "out") != written
    with pytest.raises(FileExistsError, match="place of the input"):
        other.enhance(photo, photo, overwrite=True)


def test_bytes_are_a_photo_too(tmp_path):
    photo = photos(tmp_path, 2)[0]
    enhancer = dodge.Enhancer(threads=1)
    found = enhancer.enhance(photo.read_bytes())
    assert found.output is None and len(found.recipe) > 0 and list(tmp_path.glob("*.json")) == []
    enhancer.enhance(photo, tmp_path / "from-path/0.png")
    enhancer.enhance(photo.read_bytes(), tmp_path / "from-bytes/0.png")
    assert files(tmp_path / "from-path") == files(tmp_path / "from-bytes")


def test_one_is_sent_elsewhere_by_the_path_of_its_model(tmp_path, monkeypatch):
    photo = photos(tmp_path, 2)[0]
    model = Path(__file__).parents[2] / "crates/rl/house/model.safetensors"
    (tmp_path / "model.safetensors").write_bytes(model.read_bytes())
    monkeypatch.chdir(tmp_path)
    enhancer = dodge.Enhancer("model.safetensors", strength=0.5, max_steps=3, boldness=0.5, threads=1)
    monkeypatch.chdir(tmp_path.parent)
    other = pickle.loads(pickle.dumps(enhancer))
    assert other.model == enhancer.model == tmp_path / "model.safetensors"
    enhancer.enhance(photo, tmp_path / "here/0.png")
    other.enhance(photo, tmp_path / "elsewhere/0.png")
    assert files(tmp_path / "here") == files(tmp_path / "elsewhere")
    assert pickle.loads(pickle.dumps(dodge.Enhancer(veto=False))).model is None


def test_failures_stand_in_their_place(tmp_path):
    good = photos(tmp_path, 4)
    missing = tmp_path / "missing.png"
    (tmp_path / "broken.png").write_bytes(b"no photo")
    done = dodge.Enhancer().enhance_all([good[0], missing, tmp_path / "broken.png", b"", good[1]])
    assert [type(it) for it in done] == [dodge.Enhanced, OSError, OSError, OSError, dodge.Enhanced]
    assert "missing.png" in str(done[1]) and "broken.png" in str(done[2])
    with pytest.raises(ValueError, match="1 outputs for 2 photos"):
        dodge.Enhancer().enhance_all(good[:2], ["a.png"])
    for settings, words in [({"strength": 2.0}, "0 to 1"), ({"threads": 0}, "1 to 1024 threads")]:
        with pytest.raises(ValueError, match=words):
            dodge.Enhancer(**settings)
    for model in [missing, tmp_path / "broken.png"]:
        with pytest.raises(OSError, match=model.name):
            dodge.Enhancer(model)
    with pytest.raises(ValueError, match="leads out"):
        (tmp_path / "wrong.txt").write_text("../a.png\n")
        dodge.places(tmp_path / "wrong.txt", "out")


def test_the_lock_of_the_interpreter_is_free_meanwhile():
    large = png(scene(0, 1200, 1800))
    enhancer = dodge.Enhancer()
    worker = threading.Thread(target=enhancer.enhance, args=(large,))
    worker.start()
    turns = 0
    while worker.is_alive():
        turns += 1
        worker.join(0.001)
    assert turns > 3
