"""Writes profiles, and what LittleCMS makes of a chart of 4,096 colours under each, into colour/ beside this script.

Needs Pillow and numpy. Run it when a profile is added: python make_colour.py

NAME.icc is a profile, made here from its definition; NAME.8.png and NAME.16.png are the chart in sRGB, relative colorimetric: that of
8 bit by Pillow's ImageCms, that of 16 bit by the library that Pillow brings (LittleCMS 2), both without its shortcuts. The chart has 16 steps
of each channel, red slowest; of greys it has 256 and 4,096 steps.
"""

import ctypes
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageCms

FOLDER = Path(__file__).parent / "colour"
D50 = np.array([0.9642, 1.0, 0.8249])
D65 = (0.3127, 0.3290)
RELATIVE, NO_CACHE, NO_OPTIMISATION = 1, 0x0040, 0x0100
RGB_16, GREY_16 = (4 << 16) | (3 << 3) | 2, (3 << 16) | (1 << 3) | 2


def main():
    FOLDER.mkdir(exist_ok=True)
    srgb_curve = para(3, [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045])
    p3 = [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)]
    adobe = [(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)]
    prophoto = [(0.734699, 0.265301), (0.159597, 0.840403), (0.036598, 0.000105)]
    lightness = [(s / 255 * 100 + 16) / 116 for s in range(256)]
    lightness = [v**3 if v > 6 / 29 else (v * 116 - 16) * 27 / 24389 for v in lightness]
    profiles = {
        "display-p3": shaper(p3, D65, srgb_curve),
        "adobe-rgb": shaper(adobe, D65, gamma(2.19921875)),
        "prophoto": shaper(prophoto, (0.3457, 0.3585), gamma(1.8)),
        "grey-gamma": profile(b"GRAY", b"XYZ ", {b"kTRC": gamma(2.2), b"wtpt": xyz(D50)}),
        "grey-lightness": profile(b"GRAY", b"XYZ ", {b"kTRC": sampled(lightness), b"wtpt": xyz(D50)}),
        "table": profile(b"RGB ", b"Lab ", {b"A2B0": lut16(to_lab, 17), b"B2A0": lut16(of_lab, 17), b"wtpt": xyz(D50)}, 0x02400000),
        "multi": profile(b"RGB ", b"XYZ ", {b"A2B0": lut_a_to_b(), b"B2A0": lut_b_to_a(), b"wtpt": xyz(D50)}),
    }
    for name, data in profiles.items():
        (FOLDER / f"{name}.icc").write_bytes(data)
        grey = name.startswith("grey")
        steps = np.arange(16) * 17
        chart = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(64, 64, 3).astype(np.uint8)
        wide = chart.astype(np.uint16) * 257
        if grey:
            chart = np.arange(256, dtype=np.uint8).reshape(16, 16)
            wide = np.round(np.arange(4096) * 65535 / 4095).astype(np.uint16).reshape(64, 64)
        write_png(FOLDER / f"{name}.8.png", eight(data, chart))
        write_png(FOLDER / f"{name}.16.png", sixteen(data, wide))


def eight(data, chart):
    import io

    mode = "L" if chart.ndim == 2 else "RGB"
    source, target = ImageCms.ImageCmsProfile(io.BytesIO(data)), ImageCms.createProfile("sRGB")
    # With its shortcuts it puts a coarse table in place of those of a profile: up to 20 levels away near black.
    transform = ImageCms.buildTransform(source, target, mode, "RGB", RELATIVE, ImageCms.Flags.NOOPTIMIZE)
    return np.array(ImageCms.applyTransform(Image.fromarray(chart), transform))


def sixteen(data, chart):
    library = next((Path(PIL.__file__).parent.parent / "pillow.libs").glob("liblcms2*"))
    lcms = ctypes.CDLL(str(library))
    lcms.cmsOpenProfileFromMem.restype = lcms.cmsCreate_sRGBProfile.restype = lcms.cmsCreateTransform.restype = ctypes.c_void_p
    source = ctypes.c_void_p(lcms.cmsOpenProfileFromMem(data, len(data)))
    target = ctypes.c_void_p(lcms.cmsCreate_sRGBProfile())
    kind = GREY_16 if chart.ndim == 2 else RGB_16
    transform = lcms.cmsCreateTransform(source, kind, target, RGB_16, RELATIVE, NO_CACHE | NO_OPTIMISATION)
    assert transform
    chart = np.ascontiguousarray(chart)
    result = np.zeros((*chart.shape[:2], 3), np.uint16)
    pixels = chart.shape[0] * chart.shape[1]
    lcms.cmsDoTransform(ctypes.c_void_p(transform), chart.ctypes.data_as(ctypes.c_void_p), result.ctypes.data_as(ctypes.c_void_p), pixels)
    return result


def write_png(path, values):
    bits = values.dtype.itemsize * 8
    rows = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    )


# Profiles, ICC.1:2022.


def profile(space, between, tags, version=0x04400000):
    tags = {b"desc": text("made for a test", version), b"cprt": text("in the public domain", version), **tags}
    at = 128 + 4 + 12 * len(tags)
    table, content = struct.pack(">I", len(tags)), b""
    for kind, data in tags.items():
        table += struct.pack(">4sII", kind, at + len(content), len(data))
        content += data + b"\0" * (-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", at + len(content), b"\0" * 4, version, b"mntr", space, between)
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 24 + struct.pack(">I", RELATIVE)
    header += struct.pack(">3i", *(fixed(v) for v in D50))
    return header.ljust(128, b"\0") + table + content


def fixed(value):
    return int(round(value * 65536))


def text(words, version):
    if version < 0x04000000:
        data = words.encode() + b"\0"
        return struct.pack(">4sII", b"desc", 0, len(data)) + data + b"\0" * (4 + 4 + 2 + 1 + 67)
    data = words.encode("utf-16-be")
    return struct.pack(">4sIII2s2sII", b"mluc", 0, 1, 12, b"en", b"US", len(data), 28) + data


def xyz(values):
    return struct.pack(">4sI3i", b"XYZ ", 0, *(fixed(v) for v in values))


def gamma(value):
    return struct.pack(">4sIIH", b"curv", 0, 1, int(round(value * 256)))


def sampled(values):
    return struct.pack(f">4sII{len(values)}H", b"curv", 0, len(values), *(int(round(v * 65535)) for v in values))


def para(kind, values):
    return struct.pack(f">4sIHH{len(values)}i", b"para", 0, kind, 0, *(fixed(v) for v in values))


def primaries(places, white):
    def to_xyz(place):
        return np.array([place[0] / place[1], 1.0, (1 - place[0] - place[1]) / place[1]])

    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    matrix = np.stack([to_xyz(place) for place in places], axis=1)
    matrix = matrix * np.linalg.solve(matrix, to_xyz(white))
    scale = np.diag((bradford @ D50) / (bradford @ to_xyz(white)))
    return np.linalg.inv(bradford) @ scale @ bradford @ matrix


def shaper(places, white, curve):
    matrix = primaries(places, white)
    tags = {b"rXYZ": xyz(matrix[:, 0]), b"gXYZ": xyz(matrix[:, 1]), b"bXYZ": xyz(matrix[:, 2])}
    return profile(b"RGB ", b"XYZ ", {**tags, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve, b"wtpt": xyz(D50)})


# A device of wide primaries whose channels are not quite apart.

DEVICE = primaries([(0.70, 0.29), (0.20, 0.72), (0.14, 0.05)], D65)


def to_light(values):
    return DEVICE @ np.power(values, 2.1)


def of_light(light):
    return np.power(np.clip(np.linalg.inv(DEVICE) @ light, 0, 1), 1 / 2.1)


def to_lab(values):
    parts = to_light(values) / D50
    x, y, z = np.where(parts > 216 / 24389, np.cbrt(parts), (24389 / 27 * parts + 16) / 116)
    lab = np.array([(116 * y - 16) / 100, (500 * (x - y) + 128) / 255, (200 * (y - z) + 128) / 255])
    return np.clip(lab * 65280 / 65535, 0, 1)


def of_lab(values):
    l, a, b = values * 65535 / 65280
    y = (l * 100 + 16) / 116
    parts = np.array([y + (a * 255 - 128) / 500, y, y - (b * 255 - 128) / 200])
    return of_light(np.where(parts > 6 / 29, parts**3, (116 * parts - 16) * 27 / 24389) * D50)


def grid(function, side):
    steps = np.linspace(0, 1, side)
    return [function(np.array([r, g, b])) for r in steps for g in steps for b in steps]


def lut16(function, side):
    line = struct.pack(">2H", 0, 65535) * 3
    matrix = struct.pack(">9i", *(fixed(v) for v in np.eye(3).flatten()))
    head = struct.pack(">4sI4B", b"mft2", 0, 3, 3, side, 0) + matrix + struct.pack(">2H", 2, 2)
    points = np.round(np.array(grid(function, side)) * 65535).astype(">u2").tobytes()
    return head + line + points + line


def multi(kind, a, clut, m, matrix, b):
    parts, places, at = b"", [], 32
    for part in (b, matrix, m, clut, a):
        places.append(at + len(parts))
        parts += part + b"\0" * (-len(part) % 4)
    return struct.pack(">4sIBBH5I", kind, 0, 3, 3, 0, *places) + parts


def clut(function, side):
    points = np.round(np.array(grid(function, side)) * 65535).astype(">u2").tobytes()
    return bytes([side] * 3).ljust(16, b"\0") + b"\2\0\0\0" + points


def matrix_of(values):
    return struct.pack(">12i", *(fixed(v) for v in values.flatten()), 0, 0, 0)


def three(curve):
    return (curve + b"\0" * (-len(curve) % 4)) * 3


# XYZ are written up to nearly 2.
HALF = 1 / (1 + 32767 / 32768)


def mixed(values):
    return np.clip(values + 0.03 * np.roll(values, 1) * (1 - values), 0, 1)


def unmixed(values):
    result = values
    for _ in range(30):
        result = np.clip(values - 0.03 * np.roll(result, 1) * (1 - result), 0, 1)
    return result


def lut_a_to_b():
    return multi(b"mAB ", three(para(0, [1.0])), clut(mixed, 9), three(para(0, [2.1])), matrix_of(DEVICE * HALF), three(para(0, [1.0])))


def lut_b_to_a():
    inverse = np.linalg.inv(DEVICE * HALF)
    return multi(b"mBA ", three(para(0, [1.0])), clut(unmixed, 9), three(para(0, [1 / 2.1])), matrix_of(inverse), three(para(0, [1.0])))


if __name__ == "__main__":
    main()
