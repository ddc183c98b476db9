"""Writes operations.json and clahe.json beside this script: what OpenCV 5 and Pillow 13 make of small pictures.

Needs opencv-python-headless, Pillow and numpy. Run it when a case is added: python make.py

Each case names an operation, the tolerance in levels of 255, the input and the result. The tolerance is 0 where both
round the same number once. It is 1 where the reference rounds halves to the even number (this library rounds them up),
truncates, or works in fixed point. CLAHE is compared on one plane, because OpenCV's 8-bit L*a*b* is itself up to 1.3
levels of L* off and loses up to 23 levels of a colour on the way back.
"""

import json
import math
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageOps

WIDTH, HEIGHT = 20, 13


def colourful():
    """Gradients, an edge, and noise in one corner, so that every operation has something to do."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture = np.stack([x * 13 + y, 255 - y * 19 - x, (x * y * 3) % 256], axis=-1)
    picture[:, WIDTH // 2 :] = picture[:, WIDTH // 2 :] * 0.6 + 60
    noise = np.random.default_rng(5).integers(0, 256, (6, 7, 3))
    picture[-6:, -7:] = noise
    return picture.clip(0, 255).astype(np.uint8)


def plane():
    """One channel, a whole number of tiles."""
    y, x = np.mgrid[0:64, 0:80]
    value = 90 + x / 2 + y / 3 + 20 * np.sin(x / 5) * np.cos(y / 7)
    return value.clip(0, 255).astype(np.uint8)


RGB = colourful()
PILLOW = Image.fromarray(RGB)


def lut(curve):
    table = [math.floor(min(max(curve(v), 0.0), 255.0) + 0.5) for v in range(256)]
    return cv2.LUT(RGB, np.array(table, np.uint8))


def decode(v):
    return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4


def encode(v):
    return 12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055


def scaled(picture, factors):
    return cv2.merge([cv2.convertScaleAbs(c, alpha=f) for c, f in zip(cv2.split(picture), factors)])


def hsv_saturation(factor):
    hue, saturation, value = cv2.split(cv2.cvtColor(RGB, cv2.COLOR_RGB2HSV))
    saturation = cv2.convertScaleAbs(saturation, alpha=factor)
    return cv2.cvtColor(cv2.merge((hue, saturation, value)), cv2.COLOR_HSV2RGB)


def kernel(rows):
    return cv2.filter2D(RGB, -1, np.array(rows, np.float32))


def gaussian(sigma):
    side = 2 * math.ceil(3 * sigma) + 1
    return cv2.GaussianBlur(RGB, (side, side), sigma)


def moved(dx, dy):
    return np.array(ImageChops.offset(PILLOW, dx, dy))


def one_channel(channel, picture):
    result = RGB.copy()
    result[..., channel] = picture[..., channel]
    return result


def cases():
    yield "lightness:20", 0, cv2.convertScaleAbs(RGB, alpha=1, beta=20)
    yield "lightness:-20", 0, cv2.subtract(RGB, (20, 20, 20, 0))
    yield "contrast:0.8", 0, cv2.convertScaleAbs(RGB, alpha=0.8, beta=25.5)
    yield "contrast:0.5", 1, cv2.convertScaleAbs(RGB, alpha=0.5, beta=63.75)
    yield "contrast:1.2", 1, cv2.addWeighted(RGB, 1.2, RGB, 0, -25.5)
    yield "contrast:2", 1, cv2.addWeighted(RGB, 2, RGB, 0, -127.5)
    yield "gamma:1.25", 0, lut(lambda v: 255 * (v / 255) ** 0.8)
    yield "gamma:0.5", 0, np.array(PILLOW.point([round(255 * (v / 255) ** 2) for v in range(256)] * 3))
    yield "exposure:0.7", 0, lut(lambda v: 255 * encode(decode(v / 255) * 2**0.7))
    yield "haze:0.3", 0, lut(lambda v: v + 0.3 * (230 - v))
    yield "invert:rgb", 0, cv2.bitwise_not(RGB)
    yield "invert:b", 0, one_channel(2, np.array(ImageOps.invert(PILLOW)))
    yield "channels:bgr", 0, cv2.cvtColor(RGB, cv2.COLOR_RGB2BGR)
    yield "channels:gbr", 0, cv2.merge([cv2.split(RGB)[i] for i in (1, 2, 0)])
    yield "greyscale:luminosity", 0, cv2.cvtColor(cv2.cvtColor(RGB, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    yield "greyscale:average", 0, np.array(PILLOW.convert("L", (1 / 3, 1 / 3, 1 / 3, 0)).convert("RGB"))
    yield "saturation:0.5", 1, np.array(ImageEnhance.Color(PILLOW).enhance(0.5))
    yield "saturation:1.5", 1, np.array(ImageEnhance.Color(PILLOW).enhance(1.5))
    for factor in (0.4, 0.8, 1.2, 2.0):
        yield f"saturation-hsv:{factor:g}", 1, hsv_saturation(factor)
    yield "warmth:0.15", 1, scaled(RGB, (1.15, 1, 0.85))
    yield "tint:0.1", 1, scaled(RGB, (1, 0.9, 1))
    means = RGB.reshape(-1, 3).mean(0)
    yield "grey-world:1", 1, scaled(RGB, means.mean() / means)
    for cutoff in (0, 2):
        yield f"auto-contrast:{cutoff}", 1, np.array(ImageOps.autocontrast(PILLOW, cutoff, preserve_tone=True))
    yield "sharpen:1", 0, kernel([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    yield "sharpen-8:1", 0, kernel([[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]])
    for radius in (1, 2, 5):
        side = 2 * radius + 1
        yield f"box-blur:{radius}", 0, cv2.blur(RGB, (side, side), borderType=cv2.BORDER_REFLECT_101)
    for sigma in (0.8, 1.4, 2.0):
        yield f"blur:{sigma:g}", 1, gaussian(sigma)
    yield "unsharp-mask:0.3", 1, cv2.addWeighted(RGB, 1.3, gaussian(1.5), -0.3, 0)
    yield "median:1", 0, cv2.medianBlur(RGB, 3)
    for radius in (1, 2, 3, 5):
        yield f"median-blur:{radius}", 0, cv2.medianBlur(RGB, 2 * radius + 1)
    yield "flip:horizontal", 0, cv2.flip(RGB, 1)
    yield "flip:vertical", 0, cv2.flip(RGB, 0)
    yield "shift:left", 0, moved(-(WIDTH // 2), 0)
    yield "shift:right-r", 0, one_channel(0, moved(WIDTH // 2, 0))
    yield "shift:up-g", 0, one_channel(1, moved(0, -(HEIGHT // 2)))
    yield "shift:down", 0, moved(0, HEIGHT // 2)


def described(pixels):
    return {"width": pixels.shape[1], "height": pixels.shape[0], "pixels": pixels.tobytes().hex()}


def write(name, pixels, cases):
    lines = ",\n".join(json.dumps(case) for case in cases)
    text = '{"input": ' + json.dumps(described(pixels)) + ',\n"cases": [\n' + lines + "\n]}\n"
    Path(__file__).with_name(name).write_text(text)


def main():
    named = [
        {"operation": operation, "tolerance": tolerance, "pixels": result.tobytes().hex()}
        for operation, tolerance, result in cases()
    ]
    write("operations.json", RGB, named)
    equalised = [
        {"limit": limit, "pixels": cv2.createCLAHE(limit, (8, 8)).apply(plane()).tobytes().hex()} for limit in (2.0, 5.0)
    ]
    write("clahe.json", plane(), equalised)


def structural_similarity(a, b):
    """SSIM of luma as Wang et al. (2004) define it, for windows that lie within the picture."""
    a, b = ((p.astype(np.float64) * [0.299, 0.587, 0.114]).sum(-1) for p in (a, b))
    mean = lambda p: cv2.GaussianBlur(p, (11, 11), 1.5)
    ma, mb = mean(a), mean(b)
    va, vb, c = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    local = (2 * ma * mb + 6.5025) * (2 * c + 58.5225) / ((ma * ma + mb * mb + 6.5025) * (va + vb + 58.5225))
    return local[5:-5, 5:-5].mean()


def print_structural_similarities():
    """The numbers in src/similarity/structural.rs."""
    y, x = np.mgrid[0:40, 0:48]
    photo = np.stack([(x * 7 + y * 3) % 256, x * y % 256, (255 - x * 2) % 256], -1).astype(np.uint8)
    lighter = np.clip(photo.astype(int) + 30, 0, 255).astype(np.uint8)
    for name, edited in [("invert:rgb", 255 - photo), ("lightness:30", lighter), ("channels:bgr", photo[..., ::-1])]:
        print(f"ssim {name}: {structural_similarity(photo, edited):.6f}")


if __name__ == "__main__":
    print_structural_similarities()
    main()
