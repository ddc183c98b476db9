"""The environment for Stable-Baselines3 and sb3-contrib."""

import json
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

pytest.importorskip("sb3_contrib")

from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported  # noqa: E402
from stable_baselines3.common.env_checker import check_env  # noqa: E402

import dodge.gym  # noqa: E402
import dodge.sb3  # noqa: E402


def test_sb3_takes_it_for_an_environment():
    for _ in range(3):  # it takes actions at random
        check_env(gymnasium.make("dodge/Photo-v0").unwrapped)


def test_many_photos_are_one_vector():
    envs = dodge.sb3.PhotoVecEnv(8)
    assert is_masking_supported(envs) and get_action_masks(envs).shape == (8, envs.action_space.n)
    envs.seed(3)
    first = envs.reset()
    envs.seed(3)
    assert (envs.reset() == first).all()
    assert (envs.reset() != first).any()
    # To stop ends an episode, whose last observation is told beside the first of the next.
    stop = np.array([envs.action_space.n - 1] * 4 + [0] * 4)
    before = envs.reset()
    after, rewards, ended, infos = envs.step(stop)
    assert ended.tolist() == [True] * 4 + [False] * 4
    assert all(info["episode"] == {"r": reward, "l": 1} for info, reward in zip(infos[:4], rewards))
    assert all(info["terminal_observation"].shape == before[0].shape for info in infos[:4]) and infos[4:] == [{}] * 4
    assert all((info["terminal_observation"] != now).any() for info, now in zip(infos, after[:4]))


def test_maskable_ppo_learns_more_than_chance_has():
    example = Path(__file__).parents[1] / "examples/maskable_ppo.py"
    done = subprocess.run([sys.executable, example, "--steps=20000"], check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    print(told)
    assert told["steps"] >= 20_000
    assert told["trained"] > told["random"] + 0.1 and told["trained"] > told["stop at once"], told
