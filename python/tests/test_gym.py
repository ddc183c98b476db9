"""The environment for Gymnasium."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import dodge.gym


def test_gymnasium_takes_it_for_an_environment():
    for _ in range(3):  # it takes actions at random
        check_env(gymnasium.make("dodge/Photo-v0").unwrapped, skip_render_check=True)


def allowed(masks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random action for each row, among those that may be taken."""
    return np.where(masks, rng.random(masks.shape), -1.0).argmax(axis=1)


def episodes(envs: gymnasium.vector.VectorEnv, seed: int, steps: int, act) -> tuple[list[np.ndarray], np.ndarray]:
    observations, info = envs.reset(seed=seed)
    seen, rewards = [observations], []
    for _ in range(steps):
        observations, reward, terminated, truncated, info = envs.step(act(info["action_mask"]))
        assert observations.dtype == np.float32 and not truncated.any()
        for index in np.flatnonzero(terminated):
            last = info["final_obs"][index]
            assert last.shape == observations[index].shape and (last != observations[index]).any()
        seen.append(observations)
        rewards.append(reward)
    return seen, np.array(rewards)


def test_many_photos_at_a_time():
    envs = gymnasium.make_vec("dodge/Photo-v0", num_envs=16)
    assert envs.metadata["autoreset_mode"] == gymnasium.vector.AutoresetMode.SAME_STEP
    assert envs.unwrapped.actions[-1] == "stop" and envs.single_action_space.n == len(envs.unwrapped.actions)
    rng = np.random.default_rng(3)
    first, rewards = episodes(envs, 5, 30, lambda masks: allowed(masks, rng))
    rng = np.random.default_rng(3)
    again, same = episodes(envs, 5, 30, lambda masks: allowed(masks, rng))
    assert all((a == b).all() for a, b in zip(first, again)) and (rewards == same).all()
    rng = np.random.default_rng(3)
    other, _ = episodes(envs, 6, 1, lambda masks: allowed(masks, rng))
    assert (other[0] != first[0]).any()
    # To stop at once is worth nothing; edits at random harm.
    stop = len(envs.unwrapped.actions) - 1
    _, stopped = episodes(envs, 7, 20, lambda masks: np.full(len(masks), stop))
    assert stopped.mean() > rewards.mean()


def test_the_next_episode_begins_when_it_is_wanted():
    modes = gymnasium.vector.AutoresetMode
    same, following, never = (dodge.gym.PhotoVectorEnv(3, autoreset_mode=mode) for mode in (modes.SAME_STEP, modes.NEXT_STEP, modes.DISABLED))
    assert following.metadata["autoreset_mode"] == modes.NEXT_STEP and dodge.gym.PhotoVectorEnv.metadata["autoreset_mode"] == modes.SAME_STEP
    assert all((envs.reset(seed=1)[0] == same.reset(seed=1)[0]).all() for envs in (following, never))
    stop = same.single_action_space.n - 1
    actions = np.array([stop, 0, 0])
    now, _, ended, _, info = same.step(actions)
    last, rewards, also, _, told = following.step(actions)
    assert ended.tolist() == also.tolist() == [True, False, False] and "final_obs" not in told
    assert (last[0] == info["final_obs"][0]).all() and (last[1:] == now[1:]).all()
    assert (never.step(actions)[0] == last).all()
    # The first one begins anew whatever the action is; the others go on.
    now_too, rewards, ended, truncated, _ = following.step(np.array([stop, stop, 2]))
    assert (now_too[0] == now[0]).all() and rewards[0] == 0 and ended.tolist() == [False, True, False] and not truncated.any()
    with pytest.raises(ValueError, match="call reset"):
        never.step(actions)
    never.reset()
    never.step(actions)


def test_one_photo_at_a_time_stops_where_it_ended(tmp_path):
    env = gymnasium.make("dodge/Photo-v0", actions=["lightness:10", "lightness:-10"], max_steps=2, damage="camera").unwrapped
    _, info = env.reset(seed=1)
    assert info["action_mask"].shape == (3,) and env.actions == ["lightness:10", "lightness:-10", "stop"]
    *_, terminated, truncated, _ = env.step(2)
    assert terminated and not truncated
    with pytest.raises(ValueError, match="call reset"):
        env.step(2)
    env.reset()
    env.step(0)
    # What takes the last edit back is masked; who knows no masks may take it, and it is the last of two.
    assert not env.action_masks()[1]
    *_, terminated, _, _ = env.step(1)
    assert terminated


def test_what_cannot_be_used_is_told(tmp_path):
    with pytest.raises(OSError, match="no photo"):
        dodge.gym.PhotoEnv(photos=tmp_path)
    with pytest.raises(ValueError, match="with its strength"):
        dodge.gym.PhotoEnv(actions=["gamma"])
    with pytest.raises(ValueError, match="standard, camera or mixed"):
        dodge.gym.PhotoEnv(damage="heavy")
    with pytest.raises(ValueError, match="0 and 100|1 to 100 steps"):
        dodge.gym.PhotoEnv(max_steps=0)
    with pytest.raises(ValueError, match="action 99"):
        envs = dodge.gym.PhotoVectorEnv(2)
        envs.reset()
        envs.step(np.array([99, 0]))
