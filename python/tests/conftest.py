"""Photos to work on, and the program that the results are compared with."""

import os
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

# Tests tell nobody that they ran.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def scene(number: int, height: int = 64, width: int = 96) -> np.ndarray:
    """Sky, land and a few things; every other one with half of its contrast, about which the model in the box does something."""
    rng = np.random.default_rng(number)
    down, across = np.mgrid[0:1:height * 1j, 0:1:width * 1j]
    sky, land = rng.uniform([80, 120, 160], [160, 190, 255]), rng.uniform([40, 60, 20], [120, 140, 80])
    horizon = 0.5 + 0.1 * np.sin(6 * across + rng.uniform(0, 6))
    photo = np.where((down < horizon)[..., None], sky * (0.7 + 0.5 * down[..., None]), land * (1.3 - 0.6 * down[..., None]))
    for _ in range(6):
        center, size, colour = rng.uniform(0.1, 0.9, 2), rng.uniform(0.03, 0.15), rng.uniform(0, 255, 3)
        photo[np.hypot(down - center[0], across - center[1]) < size] = colour
    photo += rng.normal(0, 4, photo.shape)
    if number % 2 == 0:
        photo = 128 + (photo - 128) / 2
    return np.clip(photo, 0, 255).astype(np.uint8)


def png(photo: np.ndarray) -> bytes:
    height, width, _ = photo.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = np.concatenate([np.zeros((height, 1), np.uint8), photo.reshape(height, -1)], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def photos(folder: Path, count: int, height: int = 64, width: int = 96) -> list[Path]:
    """That many photos in two folders, half of them under the names of the others, and the list of them."""
    paths = [folder / ("b" if number >= count // 2 else "") / f"{number % (count // 2)}.png" for number in range(count)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(scene(number, height, width)))
    (folder / "list.txt").write_text("".join(f"{path.relative_to(folder)}\n" for path in paths))
    return paths


def files(folder: Path) -> dict[str, bytes]:
    """What is in a folder and below, but for what a killed process was writing: hidden files that nothing reads."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".part"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture
def program():
    """Runs `dodge`, which `cargo xtask test` names."""
    dodge = os.environ.get("DODGE_TEST_PROGRAM")
    if not dodge:
        pytest.skip("DODGE_TEST_PROGRAM names no dodge to compare with")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([dodge, *map(str, arguments)], check=True, capture_output=True, text=True)

    return run
