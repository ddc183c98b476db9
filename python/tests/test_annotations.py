"""Annotation files of every step, as the reference reader of COCO files takes them."""

import json
import shutil
from pathlib import Path

import pytest

from conftest import photos

coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")

#: Small copies, and splits of a few photos.
SMALL = ["--set", "resize.max_size=64", "--threads", "1", "--tracking-uri", "off", "--json"]
SHARES = {"degrade": "0.6", "pairs": "0.6"}


@pytest.fixture
def prepared(program, tmp_path, monkeypatch):
    """Prepares photos; returns the annotation files that are then in the cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGE_VOLUME_PATH", str(tmp_path / "volume"))

    def prepare(*material: str) -> list[Path]:
        shares = [f"--set={section}.{key}={value}" for section in SHARES for key, value in [("train_ratio", SHARES[section]), ("validation_ratio", "0.2")]]
        program("prepare", *material, *SMALL, *shares)
        return sorted((tmp_path / "volume/cache").rglob("annotations.json"))

    return prepare


def check(file: Path) -> tuple[int, set[str]]:
    """Loads a file and looks everything up, as programs that use it do; returns its number of photos and the names of its edits."""
    loaded = coco.COCO(str(file))
    names = set()
    for image in loaded.loadImgs(loaded.getImgIds()):
        assert image["width"] > 0 and image["height"] > 0 and image["file_name"]
        assert (folder := file.parent / "images").is_dir() is False or (folder / image["file_name"]).is_file()
        annotations = loaded.loadAnns(loaded.getAnnIds(imgIds=[image["id"]]))
        for annotation in annotations:
            # FiftyOne's reader wants a box of each.
            assert annotation["bbox"] == [0, 0, image["width"], image["height"]]
            assert annotation["area"] == image["width"] * image["height"]
            category, = loaded.loadCats([annotation["category_id"]])
            assert isinstance(category["supercategory"], str)
            if annotation["is_scoring_annotation"]:
                assert 0 <= annotation["score"] <= 10
            else:
                names.add(category["name"])
    # What it filters by is in each annotation.
    assert loaded.getAnnIds(areaRng=[1, 1e9], iscrowd=False) == [it["id"] for it in loaded.dataset["annotations"]]
    return len(loaded.getImgIds()), names


def test_every_annotation_file_is_read_by_pycocotools(prepared, tmp_path):
    photos(tmp_path / "photos", 24)
    files = prepared("--photos", "photos")
    assert len(files) == 5, files
    counts = {str(file.relative_to(tmp_path / "volume/cache")).split("/")[0]: check(file) for file in files if "degrade" not in str(file)}
    assert {step: count for step, (count, _) in counts.items()} == {"annotation_file": 24, "score": 24}
    splits = {file.parent.name: check(file) for file in files if "degrade" in str(file)}
    left_out = json.loads(next(file for file in files if file.parent.name == "train").read_text())["info"]["left_out"]
    assert sum(count for count, _ in splits.values()) + left_out == 24
    assert splits["train"][1], "photos are damaged, and each damage has a category"


def test_those_of_pairs_are_read_too(prepared, tmp_path):
    photos(tmp_path / "before", 24)
    shutil.copytree(tmp_path / "before", tmp_path / "after")
    files = prepared("--pairs", "before", "after")
    assert sum(check(file)[0] for file in files) == 24
