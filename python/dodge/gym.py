"""Retouching as a task for Gymnasium: a damaged photo is brought back edit by edit, and the agent stops in time.

An observation is statistics of the photo, float32; an action one of `env.unwrapped.actions`, of which the last is *stop*; a reward is what the edit
gained of the way to the original. Episodes terminate, and are never truncated: the limit of edits is part of the task. Which actions
are worth taking is in `info["action_mask"]`, and in `action_masks()`, as MaskablePPO asks for it.

`import dodge.gym` registers `dodge/Photo-v0`, of which `gymnasium.make_vec` makes the vector that steps all photos at once on all cores.
"""

from __future__ import annotations

from os import PathLike
from typing import Any, Sequence

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from ._dodge import PhotoEnvironments

__all__ = ["PhotoEnv", "PhotoVectorEnv"]


def _spaces(native: PhotoEnvironments) -> tuple[gymnasium.spaces.Box, gymnasium.spaces.Discrete]:
    shape = (native.observation_len,)
    return gymnasium.spaces.Box(-np.inf, np.inf, shape, np.float32), gymnasium.spaces.Discrete(len(native.actions))


class _Photos:
    """What one photo at a time and many have in common."""

    _native: PhotoEnvironments
    _masks: np.ndarray

    @property
    def actions(self) -> list[str]:
        """What each action does."""
        return self._native.actions

    def _begin(self, seed: int | None) -> np.ndarray:
        """New episodes: always the same ones after a seed, and others each time without."""
        fresh = seed is not None or self._np_random is None
        super().reset(seed=seed)
        native_seed = int(self.np_random.integers(2**63)) if fresh else None
        observations, self._masks = self._native.reset(native_seed)
        return observations


class PhotoEnv(_Photos, gymnasium.Env):
    """One photo at a time. Arguments as of `PhotoVectorEnv`."""

    metadata = {"render_modes": []}

    def __init__(
        self,
        photos: str | PathLike[str] | None = None,
        actions: Sequence[str] | None = None,
        max_steps: int = 10,
        damage: str = "standard",
    ) -> None:
        self._native = PhotoEnvironments(1, photos, actions, max_steps, damage)
        self.observation_space, self.action_space = _spaces(self._native)
        self._masks = np.ones((1, int(self.action_space.n)), bool)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        observations = self._begin(seed)
        return observations[0], {"action_mask": self._masks[0]}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        observations, rewards, terminated, self._masks, _ = self._native.step(np.array([action], np.int64), AutoresetMode.DISABLED.value)
        return observations[0], float(rewards[0]), bool(terminated[0]), False, {"action_mask": self._masks[0]}

    def action_masks(self) -> np.ndarray:
        """Which actions are worth taking now."""
        return self._masks[0]


class PhotoVectorEnv(_Photos, gymnasium.vector.VectorEnv):
    """Many photos at a time, on all cores.

    `photos` is a folder of good photos, made ones where none is named; `actions` are operations with their strengths; `damage` is
    `standard`, `camera` or `mixed`. `info["action_mask"]` says which edits would be pointless: those that change nothing, or take the last one
    back. Who knows no masks may take them; they cost a step.

    A step that ends an episode begins the next one, and its last observation is in `info["final_obs"]`; with `AutoresetMode.NEXT_STEP` the next
    one begins in place of the next action, and with `DISABLED` all begin by `reset`.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(
        self,
        num_envs: int = 64,
        photos: str | PathLike[str] | None = None,
        actions: Sequence[str] | None = None,
        max_steps: int = 10,
        damage: str = "standard",
        autoreset_mode: AutoresetMode = AutoresetMode.SAME_STEP,
    ) -> None:
        self._native = PhotoEnvironments(num_envs, photos, actions, max_steps, damage)
        self.num_envs = num_envs
        self.metadata = {**self.metadata, "autoreset_mode": AutoresetMode(autoreset_mode)}
        self.single_observation_space, self.single_action_space = _spaces(self._native)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._masks = np.ones((num_envs, int(self.single_action_space.n)), bool)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        observations = self._begin(seed)
        return observations, self._info()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        mode = self.metadata["autoreset_mode"]
        stepped = self._native.step(np.asarray(actions, np.int64), mode.value)
        observations, rewards, terminated, self._masks, ended = stepped
        info = self._info()
        if mode == AutoresetMode.SAME_STEP and terminated.any():
            final = np.empty(self.num_envs, object)
            final[:] = ended
            info["final_obs"], info["_final_obs"] = final, terminated.copy()
        return observations, rewards, terminated, np.zeros(self.num_envs, bool), info

    def action_masks(self) -> np.ndarray:
        """Which actions are worth taking now, a row for each photo."""
        return self._masks

    def _info(self) -> dict[str, Any]:
        """As Gymnasium has it for vectors: beside what is told, which environments tell it."""
        return {"action_mask": self._masks, "_action_mask": np.ones(self.num_envs, bool)}


def register_envs() -> None:
    """Makes `dodge/Photo-v0` known to `gymnasium.make` and `gymnasium.make_vec`."""
    if "dodge/Photo-v0" not in gymnasium.registry:
        gymnasium.register(
            id="dodge/Photo-v0", entry_point="dodge.gym:PhotoEnv", vector_entry_point="dodge.gym:PhotoVectorEnv"
        )


register_envs()
