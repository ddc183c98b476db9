"""Sweeps on any number of machines: Optuna conducts, and each trial is a `dodge train` of its own.

    python -m dodge.optuna --storage postgresql://… --study first --trials 100 -- --photos Pictures/best --preset quick

Each machine runs the same command; the storage is all that they share. What stands behind `--` are options of `dodge tune` and of `dodge train`
alike: where photos are, and what is not varied. `dodge tune --space` tells what is. The metric is reported at each validation, and a trial is ended
where others were better. `optuna-dashboard STORAGE` shows the study.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator, Sequence

import optuna
from optuna.trial import TrialState

__all__ = ["Sweep", "main", "open_storage", "progress"]

#: The format of `progress.jsonl` in a run's folder that is read here.
PROGRESS_FORMAT = 1

#: Why a trial failed, among its user attributes. A trial whose worker is gone has none.
REASON = "reason"


class TrainingFailed(Exception):
    """A training that ended without a model, with what it said last."""


def open_storage(url: str, heartbeat: int) -> optuna.storages.BaseStorage:
    """The storage of a study: `journal` or `journal:FILE`, else the address of a database.

    In a database a worker leaves a sign of life every `heartbeat` seconds; after three that are missing, another one does its trial again.
    """
    name, _, file = url.partition(":")
    if name == "journal":
        backend = optuna.storages.journal.JournalFileBackend(file or "dodge-study.journal")
        return optuna.storages.JournalStorage(backend)
    return optuna.storages.RDBStorage(
        url,
        heartbeat_interval=heartbeat,
        grace_period=3 * heartbeat,
        heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(),
    )


def progress(file: Path, metric: str, offset: int = 0) -> tuple[list[tuple[int, float]], int]:
    """The steps and values of a metric that a training has written since `offset`, and where to go on reading."""
    try:
        with file.open("rb") as lines:
            lines.seek(offset)
            text = lines.read()
    except FileNotFoundError:
        return [], offset
    # A line that is being written is read the next time.
    text = text[: text.rfind(b"\n") + 1]
    found = []
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if record.get("dodge_progress_format", PROGRESS_FORMAT) != PROGRESS_FORMAT:
            raise RuntimeError(f"{file} has format {record['dodge_progress_format']}, and this package reads {PROGRESS_FORMAT}")
        value = record.get("figures", {}).get(metric)
        if value is not None:
            found.append((int(record["step"]), float(value)))
    return found, offset + len(text)


class Sweep:
    """What is varied, and how a trial is trained."""

    def __init__(self, program: str, options: Sequence[str], metric: str, folder: Path, halving: int) -> None:
        self._program, self._options, self._metric, self._folder = program, list(options), metric, folder
        self.halving = halving
        asked = [program, "tune", *options, "--space", "--json"]
        answer = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=False)
        if answer.returncode:
            raise SystemExit(answer.returncode)
        told = json.loads(answer.stdout.splitlines()[-1])
        self.space: list[dict[str, Any]] = told["space"]
        self._steps, self._interval = int(told["steps"]), int(told["validation_interval"])

    def pruner(self) -> optuna.pruners.BasePruner:
        """Successive halving, from the first share of the steps at which a training was validated."""
        least, rung = 0, self._steps
        # A validation that comes half as late again stands for a rung still.
        while self.halving >= 2 and rung // self.halving >= self._interval // 3 * 2:
            rung //= self.halving
            least = rung
        if not least:
            return optuna.pruners.NopPruner()
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=least, reduction_factor=self.halving)

    def present(self) -> dict[str, Any]:
        """The values as they stand: the first trial."""
        return {one["name"]: _value(one) for one in self.space}

    def suggest(self, trial: optuna.Trial) -> dict[str, str]:
        """Values for a trial, as `--set` takes them."""
        chosen: dict[str, str] = {}
        for one in self.space:
            name, when = one["name"], one["when"]
            if when and chosen.get(when["name"]) not in when["values"]:
                continue
            if one["kind"] == "categorical":
                chosen[name] = trial.suggest_categorical(name, one["values"])
            elif one["kind"] == "integer":
                chosen[name] = str(trial.suggest_int(name, one["low"], one["high"], log=one["log"]))
            else:
                chosen[name] = repr(trial.suggest_float(name, one["low"], one["high"], log=one["log"]))
        return chosen

    def __call__(self, trial: optuna.Trial) -> float:
        """Trains, and returns the metric of the last validation."""
        values = self.suggest(trial)
        self._folder.mkdir(parents=True, exist_ok=True)
        # A number may come again where the storage is another one.
        run = Path(tempfile.mkdtemp(prefix=f"{trial.number:04}-", dir=self._folder))
        trial.set_user_attr("run_dir", str(run.absolute()))
        command = [self._program, "train", *self._options, "--out", str(run), "--json"]
        for name, value in values.items():
            command += ["--set", f"{name}={value}"]
        with tempfile.TemporaryFile("w+") as said:
            training = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
            try:
                last = self._watch(trial, training, run / "progress.jsonl")
                output = training.stdout.read() if training.stdout else ""
            finally:
                _stop(training)
            if training.returncode:
                said.seek(0)
                reason = (said.read().strip().splitlines() or ["it said nothing"])[-1]
                trial.set_user_attr(REASON, reason)
                raise TrainingFailed(f"trial {trial.number}: {reason}")
        trial.set_user_attr("run_id", json.loads(output.splitlines()[-1])["run_id"])
        if last is None:
            raise SystemExit(f"a training has no figure {self._metric}: see {run / 'progress.jsonl'} for those that it has")
        return last

    def _watch(self, trial: optuna.Trial, training: subprocess.Popen[str], file: Path) -> float | None:
        """Reports what the training finds, until it ends or others were better. Returns the last value."""
        offset, last = 0, None
        while True:
            ended = training.poll() is not None
            found, offset = progress(file, self._metric, offset)
            for step, last in found:
                trial.report(last, step)
                if not ended and trial.should_prune():
                    raise optuna.TrialPruned()
            if ended:
                return last
            time.sleep(0.2)


def _value(one: dict[str, Any]) -> Any:
    text = one["present"]
    if one["kind"] == "categorical":
        return text if text in one["values"] else text.split(":")[0]
    return int(text) if one["kind"] == "integer" else float(text)


def _stop(training: subprocess.Popen[str]) -> None:
    """Ends a training as Ctrl-C does: it writes what it has."""
    if training.poll() is None:
        training.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        try:
            training.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            training.kill()
            training.communicate()


def _begun(storage: optuna.storages.BaseStorage, name: str, sweep: Sweep) -> optuna.Study:
    """The study of this name. Whoever makes it asks for a first trial of what stands."""
    sampler, pruner = optuna.samplers.TPESampler(n_startup_trials=5), sweep.pruner()
    try:
        study = optuna.create_study(
            storage=storage, sampler=sampler, pruner=pruner, study_name=name, direction="maximize"
        )
    except optuna.exceptions.DuplicatedStudyError:
        return optuna.load_study(study_name=name, storage=storage, sampler=sampler, pruner=pruner)
    study.enqueue_trial(sweep.present())
    return study


def _open_places(study: optuna.Study, trials: int) -> Iterator[None]:
    """Yields as long as there is a trial to begin; waits while others are at the last ones."""
    beats = optuna.storages._heartbeat.is_heartbeat_enabled(study._storage)
    while True:
        optuna.storages.fail_stale_trials(study)
        known = study.get_trials(deepcopy=False)
        done = sum(one.state in (TrialState.COMPLETE, TrialState.PRUNED) or REASON in one.user_attrs for one in known)
        # Without signs of life nobody knows whether it still runs.
        at_work = sum(one.state == TrialState.RUNNING for one in known) if beats else 0
        if done >= trials:
            return
        if done + at_work < trials:
            yield
        else:
            time.sleep(1)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dodge.optuna", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--storage",
        default=os.environ.get("OPTUNA_STORAGE"),
        help="postgresql://…, sqlite:///FILE, or journal:FILE on a disk that all share [env: OPTUNA_STORAGE]",
    )
    parser.add_argument("--study", default="dodge", help="the name of the study; the one that is there goes on")
    parser.add_argument("--trials", type=int, default=100, help="trials of all machines together (default: %(default)s)")
    parser.add_argument("--metric", default="validation/psnr_gain_db", help="what a trial is judged by (default: %(default)s)")
    parser.add_argument("--halving", type=int, default=3, metavar="N", help="one of N trials goes on at each rung; 1: all")
    parser.add_argument("--program", default="dodge", help="the dodge program")
    parser.add_argument("-o", "--output", type=Path, default=Path("optuna-runs"), help="where the runs go")
    parser.add_argument("--heartbeat", type=int, default=60, metavar="SECONDS", help="between signs of life, in a database")
    parser.add_argument("options", nargs="*", help="behind --: options of dodge train, such as --photos DIR --preset quick")
    arguments = parser.parse_args(words)
    if not arguments.storage:
        parser.error("--storage is needed, such as sqlite:///study.db")
    if not arguments.metric.startswith("validation/"):
        parser.error("--metric has to be a figure of the validation photos, such as validation/psnr_gain_db")
    if shutil.which(arguments.program) is None:
        parser.error(f"there is no program {arguments.program}: name it with --program")
    return arguments


def main(words: Sequence[str] | None = None) -> int:
    """Works on a study until it has all its trials."""
    arguments = _arguments(sys.argv[1:] if words is None else words)
    sweep = Sweep(
        arguments.program, arguments.options, arguments.metric, arguments.output / arguments.study, arguments.halving
    )
    study = _begun(open_storage(arguments.storage, arguments.heartbeat), arguments.study, sweep)

    def stop(signum: int, frame: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        for _ in _open_places(study, arguments.trials):
            study.optimize(sweep, n_trials=1, catch=(TrainingFailed,))
    except KeyboardInterrupt:
        print("interrupted: the same command goes on", file=sys.stderr)
        return 130
    if not any(one.state == TrialState.COMPLETE for one in study.get_trials(deepcopy=False)):
        print("no trial could be trained to its end", file=sys.stderr)
        return 1
    best = study.best_trial
    print(f"best of {len(study.trials)} trials: {best.number}, {arguments.metric} {best.value:+.3f}")
    print(" ".join(f"--set {name}={value}" for name, value in best.params.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
