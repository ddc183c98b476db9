"""Enhances lists of photos on a Ray cluster: `python -m dodge.ray enhance MANIFEST -o DIR`.

Ray Data deals out paths, never pixels: each worker holds a model, opens photos itself and writes results itself, so that all machines must see
the photos and the folder of results under the same paths. Files are those of `dodge enhance --manifest MANIFEST -o DIR`, to the byte. What became
of each photo is a row of Parquet in `DIR.rows`, and a photo that failed is a row with an error. The same command goes on after a stop.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import ray
import ray.data
from ray.data.block import BlockMetadata

import dodge

__all__ = ["Enhance", "enhance"]

#: What is known of each photo.
ROW = pa.schema(
    [
        ("photo", pa.string()),
        ("output", pa.string()),
        ("error", pa.string()),
        ("operations", pa.list_(pa.string())),
        ("vetoed", pa.list_(pa.string())),
        ("expected_gain_db", pa.float32()),
        ("score_before", pa.float64()),
        ("score_after", pa.float64()),
        ("passed_over", pa.bool_()),
        ("worker", pa.string()),
        ("milliseconds", pa.float64()),
    ]
)

#: How many batches make a file of rows. A stop loses rows that are in none yet, and no results: those are passed over then.
FILE = 16


class Enhance:
    """Enhances batches of photos: of `photo` and `output`, two columns of paths, rows of `ROW` are made."""

    def __init__(self, model: str | None = None, threads: int = 1, **settings: Any) -> None:
        self.enhancer = dodge.Enhancer(model, threads=threads, **settings)
        self.worker = f"{socket.gethostname()}:{os.getpid()}"

    def __call__(self, batch: pa.Table) -> pa.Table:
        photos, outputs = batch["photo"].to_pylist(), batch["output"].to_pylist()
        return pa.Table.from_pylist([self.row(photo, output) for photo, output in zip(photos, outputs)], ROW)

    def row(self, photo: str, output: str) -> dict[str, Any]:
        """Enhances one photo. What a worker did that was lost, and before a stop, is there: it is passed over."""
        begun = time.perf_counter()
        try:
            done = self.enhancer.enhance(photo, output, skip_existing=True)
            row = {
                "output": output,
                "operations": done.recipe.operations,
                "vetoed": done.vetoed and done.vetoed.operations,
                "expected_gain_db": done.expected_gain_db,
                "score_before": done.score_before,
                "score_after": done.score_after,
                "passed_over": done.passed_over,
            }
        except (OSError, ValueError, RuntimeError) as error:
            row = {"error": str(error)}
        return {"photo": photo, **row, "worker": self.worker, "milliseconds": 1000 * (time.perf_counter() - begun)}


def enhance(
    manifest: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    cpus: int = 1,
    batch: int = 64,
    rows: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Enhances the photos of a list on the cluster that Ray is connected to, and returns what is to be known of it all.

    Up to `workers` processes, as many as the cluster has room for where none are named, use `cpus` cores each, and get `batch` photos at a time.
    Rows go to the folder `rows`, `<output>.rows` where none is named. `settings` are those of `dodge.Enhancer`.

    Raises ValueError where the folder of rows belongs to another model, other settings or another folder of results.
    """
    output = Path(os.path.abspath(output))
    rows = Path(os.path.abspath(rows)) if rows else output.with_name(output.name + ".rows")
    model = None if model is None else os.path.abspath(model)
    job = rows / "_job"
    _begin(job, model, output, settings)
    photos = [(os.path.abspath(photo), os.fspath(place)) for photo, place in dodge.places(manifest, output)]
    table = pa.table({"photo": [photo for photo, _ in photos], "output": [place for _, place in photos]})
    _remove_torn(rows)
    before = _rows(rows).count_rows()
    _replace(job / "photos.parquet", lambda path: pq.write_table(table, path, row_group_size=batch))

    context = ray.data.DataContext.get_current()
    was = context.checkpoint_config
    # What is done stays known when all is done: the same command then has nothing to do.
    context.checkpoint_config = ray.data.checkpoint.CheckpointConfig(
        "photo", str(job / "checkpoint"), delete_checkpoint_on_success=False
    )
    begun = time.perf_counter()
    try:
        # To read and to write rows takes no core from the workers, not even a part of one, or a worker that wants a whole one would wait for
        # ever on the last node; and few processes are enough for it.
        little = {"num_cpus": 0}
        listed = _Listed(job / "photos.parquet")
        data = ray.data.read_datasource(listed, ray_remote_args=little, concurrency=1).map_batches(
            Enhance,
            fn_constructor_args=(model, cpus),
            fn_constructor_kwargs=settings,
            batch_size=batch,
            batch_format="pyarrow",
            num_cpus=cpus,
            # All at once, and none is given up: one after the other, short lists would be done before the second one has loaded its model.
            compute=ray.data.ActorPoolStrategy(min_size=_room(cpus, workers), max_size=workers),
        )
        # Few files: each is a task, and a node of few cores starts a process anew for a task that comes after a pause.
        data.write_parquet(str(rows), min_rows_per_file=FILE * batch, ray_remote_args=little, concurrency=1)
    finally:
        context.checkpoint_config = was
    seconds = time.perf_counter() - begun

    told = _rows(rows).to_table(["error", "passed_over", "milliseconds"])
    failed = len(told) - told["error"].null_count
    return {
        "photos": len(told),
        "done_before": before,
        "done_now": len(told) - before,
        "failed": failed,
        "seconds": round(seconds, 2),
        "rows": str(rows),
    }


def _room(cpus: int, workers: int | None) -> int:
    """How many workers of so many cores the nodes that are there now have room for, at least one and at most `workers`."""
    cores = (node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"])
    room = max(1, sum(int(count // cpus) for count in cores))
    return room if workers is None else min(room, workers)


class _Listed(ray.data.Datasource):
    """The list, dealt out as it is stored: a worker gets a row group at a time."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = str(file)

    def estimate_inmemory_data_size(self) -> int:
        return os.path.getsize(self.file)

    def get_read_tasks(self, parallelism: int, per_task_row_limit: int | None = None, data_context: Any = None) -> list[Any]:
        """As many as there are row groups, whatever parallelism is asked for: a group is what is lost with a worker."""
        known = pq.read_metadata(self.file)

        def task(group: int) -> Any:
            file, found = self.file, known.row_group(group)
            metadata = BlockMetadata(found.num_rows, found.total_byte_size, None, input_files=(file,))
            return ray.data.ReadTask(lambda: [pq.ParquetFile(file).read_row_group(group)], metadata)

        return [task(group) for group in range(known.num_row_groups)]


def _rows(folder: Path) -> pyarrow.dataset.Dataset:
    """What is known already; what begins with an underscore is passed over."""
    return pyarrow.dataset.dataset(folder, schema=ROW, format="parquet")


def _remove_torn(folder: Path) -> None:
    """Removes files that a killed process had begun to write, which nobody can read: their photos are dealt out again."""
    for file in folder.glob("*.parquet"):
        try:
            pq.read_metadata(file)
        except pa.ArrowInvalid:
            file.unlink()


def _begin(job: Path, model: str | None, output: Path, settings: dict[str, Any]) -> None:
    """Makes sure that what was done before was done with the same model and settings: else the rows would not tell what is in the folder."""
    content = b"the model in the box" if model is None else Path(model).read_bytes()
    wanted = {
        "dodge": dodge.__version__,
        "model": hashlib.sha256(content).hexdigest(),
        "output": str(output),
        "settings": settings,
    }
    job.mkdir(parents=True, exist_ok=True)
    file = job / "job.json"
    if not file.exists():
        _replace(file, lambda path: Path(path).write_text(json.dumps(wanted, indent=2) + "\n"))
        return
    known = json.loads(file.read_text())
    different = [key for key, value in wanted.items() if known.get(key) != value]
    if different:
        raise ValueError(
            f"{job.parent} has rows of another job ({', '.join(different)} differ): choose another folder with --rows, or delete it"
        )


def _replace(file: Path, write: Any) -> None:
    """Writes a file whole or not at all."""
    part = file.with_name(f".{file.name}.part")
    write(part)
    part.replace(file)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m dodge.ray", description="Enhances lists of photos on a Ray cluster")
    command = parser.add_subparsers(dest="command", required=True).add_parser(
        "enhance", help="enhance the photos of a list, as `dodge enhance --manifest` does"
    )
    command.add_argument("manifest", metavar="MANIFEST", help="a text file with the path of a photo on each line")
    command.add_argument("-o", "--output", metavar="DIR", required=True, help="where results go")
    command.add_argument("--model", metavar="FILE", help="the model file; without it, the model in the box")
    command.add_argument("--rows", metavar="DIR", help="where rows go; without it, DIR.rows beside the results")
    command.add_argument("--address", help="the cluster, such as ray://host:10001; without it that of RAY_ADDRESS, or this machine")
    command.add_argument("--workers", type=int, metavar="N", help="most workers; without it, as many as there is room for")
    command.add_argument("--cpus", type=int, default=1, metavar="N", help="cores of each worker")
    command.add_argument("--batch", type=int, default=64, metavar="N", help="photos that a worker gets at a time")
    command.add_argument("--strength", type=float, metavar="SHARE", help="how much of each edit is made, from 0 to 1")
    command.add_argument("--max-steps", type=int, metavar="N", help="at most this many edits")
    command.add_argument("--boldness", type=float, metavar="DB", help="touch photos of which so much less is expected")
    command.add_argument("--no-veto", action="store_true", help="make edits also where the juror does not like them")
    command.add_argument("--to-srgb", action="store_true", help="write results in sRGB")
    command.add_argument("--tolerant", action="store_true", help="take what can be read of damaged files")
    return parser


def main() -> int:
    """Runs the command; the last line of stdout is what came of it, as JSON. Returns 1 where photos failed, and 2 for wrong usage."""
    given = _arguments().parse_args()
    wanted = {
        "strength": given.strength,
        "max_steps": given.max_steps,
        "boldness": given.boldness,
        "veto": False if given.no_veto else None,
        "to_srgb": given.to_srgb or None,
        "tolerant": given.tolerant or None,
    }
    settings = {name: value for name, value in wanted.items() if value is not None}
    try:
        # Before a cluster is asked for anything.
        dodge.Enhancer(given.model, **settings)
        ray.init(address=given.address)
        told = enhance(
            given.manifest,
            given.output,
            model=given.model,
            workers=given.workers,
            cpus=given.cpus,
            batch=given.batch,
            rows=given.rows,
            **settings,
        )
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(told))
    return 1 if told["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
