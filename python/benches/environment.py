"""Steps per second of the environment from Python, beside one that is put together from OpenCV and NumPy (the peer of `cargo xtask bench rl`):

cargo xtask bench environment [--seconds 5]

Actions are chosen at random, in both among those that may be taken. Photos are the same for both. Medians of turns taken by turns.
"""

import argparse
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2
import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import SubprocVecEnv

import dodge.gym  # noqa: F401 - registers the environment

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "python/tests"))
from conftest import scene  # noqa: E402


def peer():
    spec = importlib.util.spec_from_file_location("sb3_photo", ROOT / "crates/rl/benches/peers/sb3_photo.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["sb3_photo"] = module
    spec.loader.exec_module(module)
    return module


def rate(steps_of, seconds: float) -> float:
    """Steps per second of something that takes some at each call."""
    begun, steps = time.perf_counter(), 0
    while (passed := time.perf_counter() - begun) < seconds:
        steps += steps_of()
    return steps / passed


def ours_many(folder: Path, count: int):
    envs = gymnasium.make_vec("dodge/Photo-v0", num_envs=count, photos=folder)
    rng, (_, info) = np.random.default_rng(0), envs.reset(seed=0)
    state = {"mask": info["action_mask"]}

    def steps() -> int:
        mask = state["mask"]
        *_, info = envs.step(np.where(mask, rng.random(mask.shape), -1.0).argmax(axis=1))
        state["mask"] = info["action_mask"]
        return count

    return steps


def ours_one(folder: Path):
    env = gymnasium.make("dodge/Photo-v0", photos=folder).unwrapped
    rng = np.random.default_rng(0)
    env.reset(seed=0)

    def steps() -> int:
        *_, terminated, truncated, _ = env.step(rng.choice(np.flatnonzero(env.action_masks())))
        if terminated or truncated:
            env.reset()
        return 1

    return steps


def theirs_one(folder: Path):
    env = peer().Env(sorted(map(str, folder.glob("*.png"))), 0)
    env.reset()

    def steps() -> int:
        _, _, terminated, truncated, _ = env.step(int(env.rng.integers(env.action_space.n)))
        if terminated or truncated:
            env.reset()
        return 1

    return steps


def theirs_many(folder: Path, count: int):
    module, paths = peer(), sorted(map(str, folder.glob("*.png")))
    envs = SubprocVecEnv([lambda index=index: module.Env(paths, index) for index in range(count)], start_method="fork")
    rng = np.random.default_rng(0)
    envs.reset()

    def steps() -> int:
        envs.step(rng.integers(envs.action_space.n, size=count))
        return count

    return steps


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=float, default=5.0, help="for each turn")
    arguments.add_argument("--turns", type=int, default=3)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for number in range(64):
            cv2.imwrite(str(folder / f"{number}.png"), scene(2 * number + 1, 256, 384)[..., ::-1])
        # Those that make processes of their own come first.
        measured = {
            "peer, 8 processes": theirs_many(folder, 8),
            "peer, one": theirs_one(folder),
            "dodge, 256 at a time": ours_many(folder, 256),
            "dodge, 64 at a time": ours_many(folder, 64),
            "dodge, one": ours_one(folder),
        }
        turns = [{name: rate(steps, given.seconds) for name, steps in measured.items()} for _ in range(given.turns)]
    rates = {name: statistics.median(turn[name] for turn in turns) for name in measured}
    for name, steps in rates.items():
        print(f"{name:>22}: {steps:9.0f} steps/s")
    print(
        json.dumps(
            {
                "steps_per_second": {name: round(steps) for name, steps in rates.items()},
                "many_beside_many": round(rates["dodge, 64 at a time"] / rates["peer, 8 processes"], 1),
                "one_beside_one": round(rates["dodge, one"] / rates["peer, one"], 1),
            }
        )
    )


if __name__ == "__main__":
    main()
