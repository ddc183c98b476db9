"""Writes raw files (DNG) of made scenes, and what LibRaw makes of them, into raw/ beside this script.

Needs rawpy and numpy. Run it when a file is added: python make_raw.py; `python make_raw.py 6000 4000 FILE` writes a large one alone.

NAME.dng is a mosaic of a scene of patches, ramps and edges as a camera with the colours below sees it, with a little noise; NAME.png is
what rawpy develops it to, 8 bit: white balance of the camera, its default demosaicing, the curve of sRGB, nothing brightened. Beside them stand
files in the containers of makers, without compression, and what rawpy makes of the same values in a DNG.
"""

import struct
import sys
import tempfile
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

# The same for cameras that the reader knows by name.
MATRICES["E-M10"] = np.array([[0.838, -0.263, -0.0639], [-0.2887, 1.0725, 0.2496], [-0.0627, 0.1427, 0.5438]])
MATRICES["DMC-GX1"] = np.array([[0.6763, -0.1919, -0.0863], [-0.3868, 1.1515, 0.2684], [-0.1216, 0.2387, 0.5879]])
MATRICES["X-A1"] = np.array([[1.1086, -0.4555, -0.0839], [-0.3512, 1.131, 0.2517], [-0.0815, 0.1341, 0.594]])

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
    for name, (container, width, height, *file) in CONTAINERS.items():
        (FOLDER / name).write_bytes(container(width, height, values(width, height, *file[:5]), *file))
        # The colours are those of the same values in a DNG.
        with tempfile.NamedTemporaryFile(suffix=".dng") as same:
            same.write(dng(width, height, *file, "<"))
            same.flush()
            with rawpy.imread(same.name) as raw:
                picture = raw.postprocess(
                    use_camera_wb=True, no_auto_bright=True, output_bps=8, gamma=(2.4, 12.92), output_color=rawpy.ColorSpace.sRGB
                )
        write_png((FOLDER / name).with_suffix(".png"), cropped(picture, file[5], file[6]))


def cropped(picture, orientation, crop):
    """The default crop, which LibRaw leaves to others, of the turned picture."""
    left, top, right, bottom = crop or (0, 0, 0, 0)
    left, top, right, bottom = {
        1: (left, top, right, bottom),
        3: (right, bottom, left, top),
        6: (bottom, left, top, right),
        8: (top, right, bottom, left),
    }[orientation]
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


def values(width, height, filters, camera, balance, black, white):
    """What the sensor has, whole numbers."""
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
    return np.clip(np.round(values), 0, white)


def dng(width, height, filters, camera, balance, black, white, orientation, crop, order):
    data = values(width, height, filters, camera, balance, black, white).astype(np.dtype(order + "u2")).tobytes()
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


def directory(fields, at, following=b""):
    """A directory at a place: fields as tag, type, count and bytes; behind it their bytes, and then what follows."""
    entries, behind, start = b"", b"", at + 2 + 12 * len(fields) + 4
    for tag, kind, count, packed in sorted(fields):
        if len(packed) > 4:
            value = struct.pack("<I", start + len(behind))
            behind += packed + b"\0" * (len(packed) % 2)
        else:
            value = packed.ljust(4, b"\0")
        entries += struct.pack("<HHI", tag, kind, count) + value
    return struct.pack("<H", len(fields)) + entries + struct.pack("<I", 0) + behind + following


def text(tag, words):
    return (tag, 2, len(words) + 1, words.encode() + b"\0")


def shorts(tag, *numbers):
    return (tag, 3, len(numbers), struct.pack(f"<{len(numbers)}H", *numbers))


def longs(tag, *numbers):
    return (tag, 4, len(numbers), struct.pack(f"<{len(numbers)}I", *numbers))


def olympus(width, height, values, filters, camera, balance, black, white, orientation, crop):
    data = (values.astype("<u2") << 4).tobytes()
    inner = lambda base: directory([shorts(0x0600, *black)], base)
    # Places in the note count from the note.
    head = b"OLYMPUS\0II\3\0"
    red, blue = (shorts(tag, round(256 * balance[colour]), 0) for tag, colour in ((0x1017, 0), (0x1018, 2)))
    note_size = len(head) + 2 + 12 * 3 + 4
    note = head + directory([red, blue, longs(0x2040, note_size)], len(head)) + inner(note_size)

    def file(exif_at, note_at, data_at):
        main = [
            longs(0x0100, width), longs(0x0101, height), shorts(0x0103, 1), text(0x010F, "OLYMPUS IMAGING CORP."),
            text(0x0110, camera), longs(0x0111, data_at), shorts(0x0112, orientation), longs(0x0117, len(data)), longs(0x8769, exif_at),
        ]
        main = directory(main, 8)
        exif = directory([(0x927C, 7, len(note), note)], 8 + len(main))
        return b"IIRO" + struct.pack("<I", 8) + main + exif + data, 8 + len(main), 8 + len(main) + len(exif)

    _, exif_at, data_at = file(0, 0, 0)
    return file(exif_at, 0, data_at)[0]


def panasonic(width, height, values, filters, camera, balance, black, white, orientation, crop):
    data = (values.astype("<u2") << 4).tobytes()
    left, top, right, bottom = crop
    orders = ["RGGB", "GRBG", "GBRG", "BGGR"]

    def file(data_at):
        main = [
            shorts(2, width), shorts(3, height), shorts(4, top), shorts(5, left), shorts(6, height - bottom), shorts(7, width - right),
            shorts(9, orders.index(filters) + 1), shorts(10, 12), shorts(0x1C, black[0] - 15), shorts(0x1D, black[1] - 15),
            shorts(0x1E, black[3] - 15), shorts(0x24, round(256 * balance[0])), shorts(0x25, 256), shorts(0x26, round(256 * balance[2])),
            text(0x010F, "Panasonic"), text(0x0110, camera), longs(0x0111, data_at), shorts(0x0112, orientation),
        ]
        main = directory(main, 8)
        return b"IIU\0" + struct.pack("<I", 8) + main + data, 8 + len(main)

    return file(file(0)[1])[0]


def fujifilm(width, height, values, filters, camera, balance, black, white, orientation, crop):
    data = values.astype("<u2").tobytes()
    note = b"FUJIFILM" + struct.pack("<I", 12) + directory([shorts(0x1000, 1)], 12)
    tiff = lambda exif_at: directory([text(0x010F, "FUJIFILM"), text(0x0110, camera), shorts(0x0112, orientation), longs(0x8769, exif_at)], 8)
    first = tiff(8 + len(tiff(0)))
    exif = directory([(0x927C, 7, len(note), note)], 8 + len(first))
    block = b"Exif\0\0II*\0" + struct.pack("<I", 8) + first + exif
    jpeg = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(block) + 2) + block + b"\xff\xd9"

    def sensor(data_at):
        inner = [
            longs(0xF001, width), longs(0xF002, height), longs(0xF003, 14), longs(0xF007, data_at), longs(0xF008, len(data)),
            longs(0xF00A, *black), longs(0xF00E, 256, round(256 * balance[0]), round(256 * balance[2])),
        ]
        outer = directory([longs(0xF000, 26)], 8)
        whole = b"II*\0" + struct.pack("<I", 8) + outer
        return whole + directory(inner, 26)

    second = sensor(len(sensor(0))) + data
    listed = struct.pack(">I", 1) + struct.pack(">HHHH", 0x0100, 4, height, width)
    head = b"FUJIFILMCCD-RAW 0201FF383501" + camera.encode().ljust(32, b"\0") + b"0100"
    jpeg_at = 148
    list_at = jpeg_at + len(jpeg) + len(jpeg) % 2
    sensor_at = list_at + len(listed)
    head = head.ljust(84, b"\0") + struct.pack(">6I", jpeg_at, len(jpeg), list_at, len(listed), sensor_at, len(second))
    return head.ljust(jpeg_at, b"\0") + jpeg.ljust(list_at - jpeg_at, b"\0") + listed + second


# Kind of container, width and height of the sensor, and the rest as above, of cameras as the reader knows them.
CONTAINERS = {
    "olympus.orf": (olympus, 128, 88, "RGGB", "E-M10", (1.8, 1.0, 1.7), (254,) * 4, 4000, 6, (8, 8, 24, 8)),
    "panasonic.rw2": (panasonic, 280, 80, "GRBG", "DMC-GX1", (2.0, 1.0, 1.5), (143,) * 4, 3956, 1, (8, 4, 176, 4)),
    "fujifilm.raf": (fujifilm, 264, 72, "RGGB", "X-A1", (1.9, 1.0, 1.6), (256,) * 4, 4094, 8, (0, 0, 168, 0)),
}


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
