"""Trains MaskablePPO of sb3-contrib on the environment, and compares what it gains with edits at random:

python python/examples/maskable_ppo.py [--photos DIR] [--steps 20000]
"""

import argparse
import json
import time

import numpy as np
import torch
from sb3_contrib import MaskablePPO

import dodge.sb3

arguments = argparse.ArgumentParser()
arguments.add_argument("--photos", help="a folder of good photos; without it, made ones")
arguments.add_argument("--steps", type=int, default=20_000)
arguments.add_argument("--envs", type=int, default=64)
arguments.add_argument("--seed", type=int, default=1)
given = arguments.parse_args()


def mean_return(act, episodes: int = 512, seed: int = 1000) -> float:
    """The mean return of episodes that no training saw: the same damage for whatever acts."""
    envs = dodge.sb3.PhotoVecEnv(episodes, given.photos)
    envs.seed(seed)
    observations, returns = envs.reset(), np.full(episodes, np.nan)
    while np.isnan(returns).any():
        observations, _, ended, infos = envs.step(act(observations, envs.action_masks()))
        for index in np.flatnonzero(ended & np.isnan(returns)):
            returns[index] = infos[index]["episode"]["r"]
    return float(returns.mean())


torch.manual_seed(given.seed)
# The networks are small: more threads would wait for each other, and the environment has all cores.
torch.set_num_threads(1)
rng = np.random.default_rng(given.seed)
envs = dodge.sb3.PhotoVecEnv(given.envs, given.photos)
envs.seed(given.seed)
agent = MaskablePPO("MlpPolicy", envs, n_steps=32, batch_size=256, learning_rate=1e-3, gamma=0.99, seed=given.seed, device="cpu")
begun = time.perf_counter()
agent.learn(given.steps)
seconds = time.perf_counter() - begun
result = {
    "steps": agent.num_timesteps,
    "steps_per_second": round(agent.num_timesteps / seconds),
    "trained": mean_return(lambda seen, masks: agent.predict(seen, action_masks=masks, deterministic=True)[0]),
    "random": mean_return(lambda _, masks: np.where(masks, rng.random(masks.shape), -1.0).argmax(axis=1)),
    "stop at once": mean_return(lambda _, masks: np.full(len(masks), masks.shape[1] - 1)),
}
print(json.dumps(result))
