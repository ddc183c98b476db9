"""The environment as Stable-Baselines3 and sb3-contrib know vectors of environments: all photos are stepped at once, on all cores.

    from sb3_contrib import MaskablePPO
    import dodge.sb3

    agent = MaskablePPO("MlpPolicy", dodge.sb3.PhotoVecEnv(64))
    agent.learn(20_000)
"""

from __future__ import annotations

from os import PathLike
from typing import Any, Sequence

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from .gym import PhotoVectorEnv

__all__ = ["PhotoVecEnv"]


class PhotoVecEnv(VecEnv):
    """Arguments as of `dodge.gym.PhotoVectorEnv`. What an episode gained in all is in its last `info["episode"]`."""

    def __init__(
        self,
        num_envs: int = 64,
        photos: str | PathLike[str] | None = None,
        actions: Sequence[str] | None = None,
        max_steps: int = 10,
        damage: str = "standard",
    ) -> None:
        self.envs = PhotoVectorEnv(num_envs, photos, actions, max_steps, damage)
        self.render_mode = None
        super().__init__(num_envs, self.envs.single_observation_space, self.envs.single_action_space)
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, int)

    def reset(self) -> np.ndarray:
        # What `seed` gave the first environment is for all.
        observations, _ = self.envs.reset(seed=self._seeds[0])
        self._reset_seeds()
        self._returns[:], self._lengths[:] = 0, 0
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        observations, rewards, terminated, _, info = self.envs.step(self._actions)
        self._returns += rewards
        self._lengths += 1
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for index in np.flatnonzero(terminated):
            infos[index]["terminal_observation"] = info["final_obs"][index]
            infos[index]["episode"] = {"r": float(self._returns[index]), "l": int(self._lengths[index])}
        self._returns[terminated], self._lengths[terminated] = 0, 0
        return observations, rewards, terminated, infos

    def close(self) -> None:
        self.envs.close()

    def action_masks(self) -> np.ndarray:
        """Which actions are worth taking now, a row for each photo."""
        return self.envs.action_masks()

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        rows = getattr(self, method_name)(*method_args, **method_kwargs)
        return [rows[index] for index in self._get_indices(indices)]

    def has_attr(self, attr_name: str) -> bool:
        return hasattr(self, attr_name)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(f"{attr_name} cannot be set for some photos: they are one environment")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False for _ in self._get_indices(indices)]
