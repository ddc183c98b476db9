"""Lists of photos on a cluster of two nodes, one of which is lost.

`DODGE_TEST_RAY_PHOTOS` says how many photos; `cargo xtask bench cluster` takes 3,000.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from conftest import files, photos

pytest.importorskip("ray")

import pyarrow.dataset  # noqa: E402
import pyarrow.parquet  # noqa: E402
import ray  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

import psutil  # noqa: E402  # which Ray brings along

import dodge.ray  # noqa: E402

PHOTOS = int(os.environ.get("DODGE_TEST_RAY_PHOTOS", "160"))
BATCH = max(4, PHOTOS // 40)
LIMIT = 600.0


@pytest.fixture
def cluster():
    """Two nodes with a core each; the first is the head."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.first, cluster.second = cluster.head_node, cluster.add_node(num_cpus=1)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def results(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("*.recipe.json"))


def wait_for(what: str, is_so) -> None:
    until = time.monotonic() + LIMIT
    while not is_so():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.02)


def worker_of(node) -> psutil.Process | None:
    """The process that enhances photos on a node, if there is one yet."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    for process in raylet.children():
        try:
            if "MapWorker" in "".join(process.cmdline()):
                return process
        except psutil.Error:
            continue
    return None


def rows(folder: Path) -> list[dict]:
    return pyarrow.dataset.dataset(folder, format="parquet").to_table().to_pylist()


def whole_files(folder: Path) -> list[pyarrow.Table]:
    """What stands in the files of a folder, without those that are torn or not yet whole."""
    tables = []
    for file in folder.glob("*.parquet"):
        try:
            tables.append(pyarrow.parquet.read_table(file))
        except (pyarrow.ArrowInvalid, FileNotFoundError):
            continue
    return tables


def workers(folder: Path) -> set[int]:
    """The processes that rows were written by."""
    return {int(worker.split(":")[1]) for table in whole_files(folder) for worker in table["worker"].to_pylist()}


def test_a_node_is_lost_and_nothing_is(tmp_path, cluster, program):
    sources = photos(tmp_path / "in", PHOTOS, 256, 384)
    (tmp_path / "in/broken.png").write_bytes(b"no photo")
    whole, ours = tmp_path / "whole", tmp_path / "ours"
    program("enhance", "--manifest", tmp_path / "in/list.txt", "-o", whole)
    with open(tmp_path / "in/list.txt", "a") as listed:
        listed.write("broken.png\n")
    ray.init(address=cluster.address, log_to_driver=False)
    lost, second = [], []

    def lose() -> None:
        """Halts workers, so that it is no matter of speed who has done what: the second node has done half of the photos alone when it is lost."""
        wait_for("the first worker", lambda: worker_of(cluster.first))
        first = worker_of(cluster.first)
        first.suspend()
        wait_for("half of the photos", lambda: results(ours) >= PHOTOS // 2)
        second.append(worker_of(cluster.second))
        second[0].suspend()
        wait_for("its rows", lambda: second[0].pid in workers(tmp_path / "ours.rows"))
        lost.append(results(ours))
        # Halted, it would not notice that its node is gone.
        second[0].kill()
        cluster.remove_node(cluster.second, allow_graceful=False)
        first.resume()

    killer = threading.Thread(target=lose, daemon=True)
    killer.start()
    told = dodge.ray.enhance(tmp_path / "in/list.txt", ours, batch=BATCH)
    killer.join(LIMIT)
    assert PHOTOS // 2 <= lost[0] < PHOTOS, "in the middle"
    assert told["photos"] == told["done_now"] == PHOTOS + 1 and told["failed"] == 1
    done = rows(tmp_path / "ours.rows")
    assert sorted(row["photo"] for row in done) == sorted(map(str, [*sources, tmp_path / "in/broken.png"]))
    assert [row["photo"] for row in done if row["error"]] == [str(tmp_path / "in/broken.png")]
    assert second[0].pid in workers(tmp_path / "ours.rows") and len(workers(tmp_path / "ours.rows")) >= 2, "both nodes worked"
    assert files(ours) == files(whole)
    # There is nothing left to do.
    again = dodge.ray.enhance(tmp_path / "in/list.txt", ours, batch=BATCH)
    assert (again["done_before"], again["done_now"]) == (PHOTOS + 1, 0) and len(rows(tmp_path / "ours.rows")) == PHOTOS + 1
    with pytest.raises(ValueError, match="settings differ"):
        dodge.ray.enhance(tmp_path / "in/list.txt", ours, batch=BATCH, strength=0.5)


def test_a_stopped_command_goes_on(tmp_path, cluster, program):
    sources = photos(tmp_path / "in", PHOTOS, 256, 384)
    whole, ours = tmp_path / "whole", tmp_path / "ours"
    program("enhance", "--manifest", tmp_path / "in/list.txt", "-o", whole, "--strength=0.5")
    command = [sys.executable, "-m", "dodge.ray", "enhance", tmp_path / "in/list.txt", "-o", ours, "--strength=0.5"]
    command = [*map(str, command), f"--batch={BATCH}", f"--address={cluster.address}"]
    stopped = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Half of the photos are done, and rows of some were written. Nobody goes on meanwhile.
    wait_for("half of the photos", lambda: stopped.poll() is not None or results(ours) >= PHOTOS // 2)
    halted = [process for process in map(worker_of, (cluster.first, cluster.second)) if process]
    for process in halted:
        process.suspend()
    wait_for("rows", lambda: stopped.poll() is not None or whole_files(tmp_path / "ours.rows"))
    stopped.send_signal(signal.SIGKILL)
    for process in halted:
        process.resume()
    assert stopped.wait() == -signal.SIGKILL, "it was stopped in the middle"
    # What workers had begun may end after it.
    time.sleep(2)
    before = sum(map(len, whole_files(tmp_path / "ours.rows")))
    assert 0 < before < PHOTOS
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(again.stdout.splitlines()[-1])
    assert told["done_before"] + told["done_now"] == told["photos"] == PHOTOS and told["failed"] == 0
    assert 0 < told["done_before"] <= before
    assert sorted(row["photo"] for row in rows(tmp_path / "ours.rows")) == sorted(map(str, sources))
    assert files(ours) == files(whole)
