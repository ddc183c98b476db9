"""Writes raw files (DNG) of made scenes, and what LibRaw makes of them, into raw/ beside this script.

Needs rawpy and numpy. Run it when a file is added: python make_raw.py; `python make_raw.py 6000 4000 FILE` writes a large one alone.

NAME.dng is a mosaic of a scene of patches, ramps and edges as a camera with the colours below sees it, with a little noise; NAME.png is
what rawpy develops it to, 8 bit: white balance of the camera, its default demosaicing, the curve of sRGB, nothing brightened.
"""

import struct
import sys
import zlib
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "raw"

# From XYZ to the colours of two cameras, as such matrices are.
MATRICES = {
    "first": np.array([[0.8139, -0.2171, -0.0663], [-0.8747, 1.6541, 0.2295], [-0.1925, 0.2008, 0.8093]]),
    "second": np.array([[0.6847, -0.0614, -0.1014], [-0.4669, 1.2737, 0.2139], [-0.1197, 0.2488, 0.6846]]),
}
TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])

# Name, order of filters, camera, white balance, black and white, orientation, crop at left, top, right and bottom, order of bytes.
FILES = [
    ("rggb", "RGGB", "first", (2.1, 1.0, 1.6), (512, 512, 512, 512), 16000, 1, None, "<"),
    ("gbrg-turned", "GBRG", "second", (1.7, 1.0, 2.2), (256, 260, 252, 256), 4095, 6, (4, 2, 4, 6), "<"),
    ("bggr-dim", "BGGR", "first", (1.4, 1.0, 2.8), (0, 0, 0, 0), 65535, 3, (0, 0, 2, 2), ">"),
]


def main():
    if len(sys.argv) > 1:
        width, height, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
        Path(path).write_bytes(dng(width, height, *FILES[0][1:]))
        return
    import rawpy

    FOLDER.mkdir(exist_ok=True)
    for name, *file in FILES:
        path = FOLDER / f"{name}.dng"
        path.write_bytes(dng(96, 72, *file))
        with rawpy.imread(str(path)) as raw:
            picture = raw.postprocess(
                use_camera_wb=True, no_auto_bright=True, output_bps=8, gamma=(2.4, 12.92), output_color=rawpy.ColorSpace.sRGB
            )
        write_png(FOLDER / f"{name}.png", cropped(picture, file[5], file[6]))


def cropped(picture, orientation, crop):
    """The default crop, which LibRaw leaves to others, of the turned picture."""
    left, top, right, bottom = crop or (0, 0, 0, 0)
    left, top, right, bottom = {1: (left, top, right, bottom), 3: (right, bottom, left, top), 6: (bottom, left, top, right)}[orientation]
    height, width = picture.shape[:2]
    return np.ascontiguousarray(picture[top : height - bottom, left : width - right])


def scene(width, height):
    """Linear light of sRGB, 0 to 1."""
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    light = np.stack([0.1 + 0.5 * x, 0.08 + 0.45 * y, 0.4 - 0.3 * x * y], axis=-1)
    patches = [(0.6, 0.1, 0.08), (0.1, 0.4, 0.12), (0.08, 0.1, 0.5), (0.7, 0.55, 0.1), (0.5, 0.5, 0.5), (0.03, 0.03, 0.03)]
    for index, colour in enumerate(patches):
        left = 0.08 + 0.15 * index
        light[(x > left) & (x < left + 0.1) & (y > 0.15) & (y < 0.45)] = colour
    light[(y > 0.85) & (x > 0.3)] = 0.9
    slanted = (x + 0.3 * y > 0.8) & (y > 0.5) & (y < 0.8)
    light[slanted] = light[slanted] * 0.25
    return light


def dng(width, height, filters, camera, balance, black, white, orientation, crop, order):
    colours = MATRICES[camera] @ TO_XYZ
    # As the sensor sees it: white of sRGB is one over the white balance.
    seen = scene(width, height) @ (colours / colours.sum(axis=1, keepdims=True)).T / np.array(balance)
    seen = seen / (seen.max() * 1.02) if camera == "second" else seen * 0.8
    values = np.zeros((height, width))
    for place, colour in enumerate(filters):
        rows, columns = slice(place // 2, None, 2), slice(place % 2, None, 2)
        level = black[place]
        values[rows, columns] = level + seen[rows, columns, "RGB".index(colour)] * (white - level)
    values += np.random.default_rng(7).normal(0, (white - max(black)) * 0.0008, values.shape)
    data = np.clip(np.round(values), 0, white).astype(np.dtype(order + "u2")).tobytes()

    fields = []

    def add(tag, kind, values):
        letter, size = {1: ("B", 1), 2: ("s", 1), 3: ("H", 2), 4: ("I", 4), 5: ("II", 8), 10: ("ii", 8)}[kind]
        if kind == 2:
            packed, count = values + b"\0", len(values) + 1
        elif kind in (5, 10):
            packed = b"".join(struct.pack(order + letter, int(round(value * 10000)), 10000) for value in values)
            count = len(values)
        else:
            packed, count = struct.pack(f"{order}{len(values)}{letter}", *values), len(values)
        fields.append((tag, kind, count, packed))

    add(254, 4, [0])
    add(256, 4, [width])
    add(257, 4, [height])
    add(258, 3, [16])
    add(259, 3, [1])
    add(262, 3, [32803])
    add(271, 2, b"Dodge")
    add(272, 2, b"Sensor " + camera.encode())
    add(273, 4, [0])
    add(274, 3, [orientation])
    add(277, 3, [1])
    add(278, 4, [height])
    add(279, 4, [len(data)])
    add(284, 3, [1])
    add(306, 2, b"2024:05:01 12:30:00")
    add(33421, 3, [2, 2])
    add(33422, 1, ["RGB".index(colour) for colour in filters])
    add(50706, 1, [1, 4, 0, 0])
    add(50708, 2, b"Dodge Sensor " + camera.encode())
    add(50713, 3, [2, 2])
    add(50714, 3, black)
    add(50717, 4, [white])
    if crop:
        add(50719, 4, crop[:2])
        add(50720, 4, [width - crop[0] - crop[2], height - crop[1] - crop[3]])
    add(50721, 10, MATRICES[camera].flatten())
    add(50728, 5, [1 / factor for factor in balance])
    add(50778, 3, [21])
    at = 8 + 2 + 12 * len(fields) + 4
    entries, behind = b"", b""
    end = at + sum(len(packed) + len(packed) % 2 for *_, packed in fields if len(packed) > 4)
    for tag, kind, count, packed in fields:
        if tag == 273:
            packed = struct.pack(order + "I", end)
        if len(packed) <= 4:
            value = packed.ljust(4, b"\0")
        else:
            value = struct.pack(order + "I", at + len(behind))
            behind += packed + b"\0" * (len(packed) % 2)
        entries += struct.pack(order + "HHI", tag, kind, count) + value
    magic = b"II" if order == "<" else b"MM"
    head = magic + struct.pack(order + "HIH", 42, 8, len(fields))
    return head + entries + struct.pack(order + "I", 0) + behind + data


def write_png(path, values):
    rows = b"".join(b"\0" + row.tobytes() for row in values)

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    )


if __name__ == "__main__":
    main()
