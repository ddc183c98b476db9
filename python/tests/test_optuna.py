"""Sweeps with Optuna: the program trains, a real storage keeps what came of it, and workers die."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

optuna = pytest.importorskip("optuna", reason="optuna is not installed")
PROGRAM = os.environ.get("DODGE_TEST_PROGRAM")
if not PROGRAM:
    pytest.skip("set DODGE_TEST_PROGRAM to the dodge program to run it", allow_module_level=True)

from optuna.trial import TrialState  # noqa: E402

import dodge.optuna as sweeps  # noqa: E402

#: A training of few photos and small networks; and one of seconds, with four validations.
SMALL = [
    *("--synthetic", "24", "--threads", "1", "--algo", "ppo", "--tracking-uri", "off"),
    *("--set", "data.synthetic_size=64", "--set", "resize.max_size=64", "--set", "degrade.train_ratio=0.6"),
    *("--set", "degrade.validation_ratio=0.2", "--set", "training.synthetic_photos=0", "--set", "training.refit_below=0"),
    *("--set", "training.validation_interval=256", "--set", "training.test_damages=1", "--set", "ppo.hidden=[16]"),
    *("--set", "ppo.environments=8", "--set", "ppo.rollout_steps=32", "--set", "ppo.minibatch_size=64"),
]
BRIEF = [*SMALL, "--steps", "1024"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGE_VOLUME_PATH", str(tmp_path / "volume"))
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def swept(storage: str, trials: int, options: list[str] = BRIEF, halving: int = 3) -> int:
    words = ["--program", PROGRAM, "--storage", storage, "--trials", str(trials), "--halving", str(halving)]
    return sweeps.main([*words, "--", *options])


def test_a_study_goes_on_and_begins_with_what_stands(capsys):
    assert swept("sqlite:///study.db", 2, halving=1) == 0
    assert swept("sqlite:///study.db", 3, halving=1) == 0
    study = optuna.load_study(study_name="dodge", storage="sqlite:///study.db")
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 3
    first = study.trials[0].params
    assert first["ppo.learning_rate"] == 7e-4 and first["ppo.learning_rate_schedule"] == "linear"
    assert "ppo.rollout_steps" not in first, "what --set says is not varied"
    assert len({trial.params["ppo.learning_rate"] for trial in study.trials}) == 3
    for trial in study.trials:
        assert list(trial.intermediate_values) == [256, 512, 768, 1024]
        assert trial.value == trial.intermediate_values[1024]
        assert 1e-5 <= trial.params["ppo.learning_rate"] <= 1e-2
        run = Path(trial.user_attrs["run_dir"])
        assert json.loads((run / "report.json").read_text())["run_id"] == trial.user_attrs["run_id"]
        section = (run / "configuration.toml").read_text().split("[ppo]\n")[1]
        rate = section.split("\nlearning_rate = ")[1].split("\n")[0]
        assert float(rate) == trial.params["ppo.learning_rate"]
    assert f"best of 3 trials: {study.best_trial.number}" in capsys.readouterr().out


def test_what_is_worse_ends_early_and_a_journal_keeps_it():
    # The end of such a training is not waited for.
    endless = [*SMALL, "--steps", "1000000000", "--set", "training.checkpoint_interval=1000000000"]
    sweep = sweeps.Sweep(PROGRAM, endless, "validation/psnr_gain_db", Path("runs"), 3)
    storage = sweeps.open_storage("journal:study.log", 60)
    study = optuna.create_study(storage=storage, study_name="dodge", direction="maximize", pruner=sweep.pruner())
    # No training is better than this one.
    best = study.ask()
    best.report(60.0, 1_000_000_000)
    assert not best.should_prune()
    study.tell(best, 60.0)
    assert swept("journal:study.log", 3, endless) == 0
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.PRUNED]
    for trial in study.trials[1:]:
        # Ended as by Ctrl-C: what it had learnt is there.
        assert (Path(trial.user_attrs["run_dir"]) / "model.safetensors").is_file()


def test_what_cannot_be_trained_is_told(capfd):
    with pytest.raises(SystemExit, match="2"):
        sweeps.main(["--program", PROGRAM, "--storage", "sqlite:///a.db", "--", "--set", "apg.droput=1"])
    assert "did you mean `dropout`" in capfd.readouterr().err
    with pytest.raises(SystemExit):
        sweeps.main(["--program", PROGRAM, "--storage", "sqlite:///a.db", "--metric", "test/recovered"])
    assert "figure of the validation photos" in capfd.readouterr().err


def test_progress_is_read_as_it_grows(tmp_path):
    file = tmp_path / "progress.jsonl"
    assert sweeps.progress(file, "a") == ([], 0)
    file.write_text('{"dodge_progress_format":1}\n{"step":10,"figures":{"a":1.5,"b":null}}\n{"step":20,"fig')
    found, offset = sweeps.progress(file, "a")
    assert found == [(10, 1.5)]
    with file.open("a") as more:
        more.write('ures":{"a":2.5}}\n')
    assert sweeps.progress(file, "a", offset)[0] == [(20, 2.5)]
    file.write_text('{"dodge_progress_format":2}\n')
    with pytest.raises(RuntimeError, match="has format 2"):
        sweeps.progress(file, "a")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(what: str, seconds: float, ask):
    """What `ask` gives as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := ask():
            return found
        time.sleep(0.3)
    pytest.fail(f"no {what} within {seconds} s")


def program_of_postgresql(name: str) -> str | None:
    """Debian keeps the programs of the server out of the path."""
    if found := shutil.which(name):
        return found
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3].split(".")[0]))
    return str(versions[-1]) if versions else None


@pytest.fixture
def postgresql():
    """A server of its own, with the address of its database. It never runs as root."""
    initdb, server = program_of_postgresql("initdb"), program_of_postgresql("postgres")
    if not initdb or not server:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    who: dict = {}
    pwd = pytest.importorskip("pwd")
    folder = Path(tempfile.mkdtemp(prefix="dodge-postgresql-"))
    if os.geteuid() == 0:
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            user = pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    data, port = folder / "data", free_port()
    words = [initdb, "-D", str(data), "-U", "dodge", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd=folder, **who)
    words = [server, "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-c", "fsync=off"]
    running = subprocess.Popen(words, cwd=folder, stderr=subprocess.DEVNULL, **who)

    def answers():
        assert running.poll() is None, "the server ended"
        try:
            psycopg.connect(f"postgresql://dodge@127.0.0.1:{port}/postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    try:
        wait_for("answer of PostgreSQL", 60, answers)
        yield f"postgresql+psycopg://dodge@127.0.0.1:{port}/postgres"
    finally:
        # A fast shutdown: clients are sent away.
        running.send_signal(signal.SIGINT)
        running.wait(60)
        shutil.rmtree(folder)


def at_work(url: str, number: int) -> subprocess.Popen:
    """A worker, in a group of processes of its own so that its training goes with it."""
    words = [sys.executable, "-m", "dodge.optuna", "--program", PROGRAM, "--storage", url, "--trials", "12"]
    words += ["--heartbeat", "2", "--output", f"runs-{number}", "--", *BRIEF]
    return subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL)


def shown_by_dashboard(url: str) -> dict:
    """The study as optuna-dashboard's API tells it."""
    dashboard = Path(sys.executable).with_name("optuna-dashboard")
    port = free_port()
    running = subprocess.Popen([dashboard, "--port", str(port), url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def asked(path: str):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/{path}", timeout=10) as reply:
                return json.load(reply)
        except OSError:
            return None

    try:
        studies = wait_for("answer of optuna-dashboard", 60, lambda: asked("studies"))["study_summaries"]
        return asked(f"studies/{studies[0]['study_id']}?after=0")
    finally:
        running.terminate()
        running.wait(30)


def test_a_killed_worker_does_not_stop_the_others(postgresql):
    pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    workers = [at_work(postgresql, number) for number in range(4)]

    def trials():
        try:
            return optuna.load_study(study_name="dodge", storage=postgresql).trials
        except KeyError:
            return []

    def busy():
        return [trial for trial in trials() if trial.state == TrialState.RUNNING and "run_dir" in trial.user_attrs]

    try:
        wait_for("two trials at work", 120, lambda: len(busy()) >= 2)
        victim = next(trial for trial in busy())
        killed = int(victim.user_attrs["run_dir"].split("runs-")[1][0])
        os.killpg(workers[killed].pid, signal.SIGKILL)
        workers[killed].wait()
        for number, worker in enumerate(workers):
            if number != killed:
                assert worker.wait(300) == 0
    finally:
        for worker in workers:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
    found = trials()
    done = [trial for trial in found if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    assert len(done) >= 12 and len({trial.number for trial in found}) == len(found)
    assert found[victim.number].state == TrialState.FAIL, "nobody has heard of it any more"
    again = [trial for trial in found if trial.system_attrs.get("failed_trial") == victim.number]
    assert [trial.params for trial in again] == [found[victim.number].params] and again[0] in done
    shown = shown_by_dashboard(postgresql)["trials"]
    assert len(shown) == len(found)
    states = sorted(trial["state"] for trial in shown)
    assert states == sorted({"COMPLETE": "Complete", "PRUNED": "Pruned", "FAIL": "Fail"}[trial.state.name] for trial in found)
