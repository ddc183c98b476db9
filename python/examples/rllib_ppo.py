"""Trains PPO of RLlib on the environment, and tells what episodes gain at the beginning and at the end:

python python/examples/rllib_ppo.py [--photos DIR] [--steps 40000]

It needs `ray[rllib]` beside `dodge[gym]`. With --runners, photos are edited in that many processes, on whatever machines the cluster has.
"""

import argparse
import json
import time

import ray
from gymnasium.vector import AutoresetMode
from ray.rllib.algorithms.ppo import PPOConfig
from ray.tune.registry import register_env

arguments = argparse.ArgumentParser()
arguments.add_argument("--photos", help="a folder of good photos; without it, made ones")
arguments.add_argument("--steps", type=int, default=40_000)
arguments.add_argument("--envs", type=int, default=64, help="photos at a time in each process")
arguments.add_argument("--runners", type=int, default=0, help="processes beside the one that learns; 0: it edits photos itself")
arguments.add_argument("--seed", type=int, default=1)
given = arguments.parse_args()


def photos(config):
    """Episodes of RLlib begin in place of the next action."""
    import dodge.gym

    count, folder = config["num_envs"], config["photos"]
    return dodge.gym.PhotoVectorEnv(count, folder, autoreset_mode=AutoresetMode.NEXT_STEP)


ray.init(include_dashboard=False, log_to_driver=False)
register_env("photos", photos)
config = (
    PPOConfig()
    .environment("photos", env_config={"photos": given.photos})
    .env_runners(
        num_env_runners=given.runners,
        num_envs_per_env_runner=given.envs,
        gym_env_vectorize_mode="vector_entry_point",
    )
    .training(train_batch_size_per_learner=2048, minibatch_size=256, num_epochs=10, lr=1e-3, gamma=0.99)
    .debugging(seed=given.seed)
)
agent = config.build_algo()
begun, steps, returns = time.perf_counter(), 0, []
while steps < given.steps:
    told = agent.train()["env_runners"]
    steps = int(told["num_env_steps_sampled_lifetime"])
    returns.append(float(told["episode_return_mean"]))
seconds = time.perf_counter() - begun
agent.stop()
print(json.dumps({"steps": steps, "steps_per_second": round(steps / seconds), "first": returns[0], "last": returns[-1]}))
