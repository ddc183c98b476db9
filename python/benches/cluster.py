"""What a Ray cluster costs and brings, on this machine: one and two workers of one core each, beside `dodge enhance` on one thread, and then the
tests of a lost node and of a stopped command with as many photos:

cargo xtask bench cluster [--photos 3000] [--side 768]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import cv2
import pyarrow.dataset
import ray
from conftest import files, scene
from ray.cluster_utils import Cluster

import dodge.ray


def photos(folder: Path, count: int, side: int) -> Path:
    """JPEG files, of which as many are different as are made in a few seconds."""
    folder.mkdir()
    kinds = [cv2.imencode(".jpg", scene(number, side * 2 // 3, side)[..., ::-1])[1].tobytes() for number in range(100)]
    names = [f"{number}.jpg" for number in range(count)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(kinds[number % len(kinds)])
    (folder / "list.txt").write_text("\n".join(names) + "\n")
    return folder / "list.txt"


def by_workers(manifest: Path, output: Path, workers: int) -> dict:
    told = dodge.ray.enhance(manifest, output, workers=workers)
    rows = pyarrow.dataset.dataset(told["rows"], format="parquet").to_table()
    work = sum(rows["milliseconds"].to_pylist()) / 1000
    return {
        "workers": len(set(rows["worker"].to_pylist())),
        "seconds": told["seconds"],
        "photos_per_second": round(len(rows) / told["seconds"], 1),
        "milliseconds_of_work_per_photo": round(1000 * work / len(rows), 2),
        "milliseconds_of_engine_per_photo": round(1000 * (told["seconds"] * workers - work) / len(rows), 2),
    }


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--photos", type=int, default=3000)
    arguments.add_argument("--side", type=int, default=768, help="the longer side, in pixels")
    arguments.add_argument("--no-tests", action="store_true", help="without the tests of a lost node and of a stopped command")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        manifest = photos(folder / "in", given.photos, given.side)
        begun = time.perf_counter()
        command = [os.environ["DODGE_TEST_PROGRAM"], "enhance", "--manifest", manifest, "-o", folder / "program"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "RAYON_NUM_THREADS": "1"})
        measured = {"program, one thread": {"photos_per_second": round(given.photos / (time.perf_counter() - begun), 1)}}
        # A node keeps as many processes as it has cores: these, of one, would else end and begin those that read and write rows all the time.
        patient = {"idle_worker_killing_time_threshold_ms": 60_000}
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, "_system_config": patient})
        cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False)
        for workers in (1, 2):
            measured[f"ray, {workers}"] = by_workers(manifest, folder / f"ray-{workers}", workers)
            assert files(folder / f"ray-{workers}") == files(folder / "program"), "the same to the byte"
        ray.shutdown()
        cluster.shutdown()
    one, two = (measured[f"ray, {workers}"]["photos_per_second"] for workers in (1, 2))
    print(json.dumps({"photos": given.photos, **measured, "two_beside_one": round(two / one, 2)}))
    if given.no_tests:
        return 0
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=0", Path(__file__).parents[1] / "tests/test_ray.py"]
    return subprocess.run(tests, env={**os.environ, "DODGE_TEST_RAY_PHOTOS": str(given.photos)}).returncode


if __name__ == "__main__":
    sys.exit(main())
