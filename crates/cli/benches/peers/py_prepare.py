"""What `dodge prepare` leaves behind, by Pillow and OpenCV as a script does it: photos turned upright and scaled down, each once more
with a damage, and an annotation file. Arguments: the folder of the photos and one for the results."""
import json
import pathlib
import random
import sys

import cv2
import numpy as np
from PIL import Image, ImageOps

SIDE = 384


def damaged(photo, draw):
    """One of five damages, as strong as those of Dodge."""
    kind = draw.randrange(5)
    if kind == 0:
        return cv2.convertScaleAbs(photo, alpha=draw.uniform(0.5, 0.8), beta=draw.uniform(20, 40))
    if kind == 1:
        curve = 255 * (np.arange(256) / 255) ** draw.uniform(1.4, 2.0)
        return cv2.LUT(photo, curve.astype(np.uint8))
    if kind == 2:
        return cv2.convertScaleAbs(photo, alpha=1, beta=draw.uniform(-50, 50))
    if kind == 3:
        hue, saturation, value = cv2.split(cv2.cvtColor(photo, cv2.COLOR_BGR2HSV))
        saturation = cv2.convertScaleAbs(saturation, alpha=draw.uniform(0.3, 0.7))
        return cv2.cvtColor(cv2.merge((hue, saturation, value)), cv2.COLOR_HSV2BGR)
    blue, green, red = cv2.split(photo)
    return cv2.merge((cv2.convertScaleAbs(blue, alpha=0.8), green, cv2.convertScaleAbs(red, alpha=1.15)))


def main():
    photos, results = map(pathlib.Path, sys.argv[1:])
    originals, degraded = results / "originals", results / "degraded"
    originals.mkdir(parents=True)
    degraded.mkdir()
    draw = random.Random(1)
    images = []
    for number, file in enumerate(sorted(photos.iterdir()), 1):
        with Image.open(file) as opened:
            photo = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))[:, :, ::-1]
        scale = SIDE / max(photo.shape[:2])
        size = round(photo.shape[1] * scale), round(photo.shape[0] * scale)
        small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        name = file.stem + ".png"
        cv2.imwrite(str(originals / name), small)
        cv2.imwrite(str(degraded / name), damaged(small, draw))
        images.append({"id": number, "file_name": name, "width": size[0], "height": size[1]})
    document = {"info": {}, "licenses": [], "images": images, "annotations": [], "categories": []}
    (results / "annotations.json").write_text(json.dumps(document, indent=2))


main()
