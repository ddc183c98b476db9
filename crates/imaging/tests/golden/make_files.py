"""Writes the picture files in files/ and files.json beside this script, with what Pillow 13 and OpenCV 5 read of them.

Needs opencv-python-headless, Pillow and numpy. Run it when a file is added: python make_files.py

files.json tells, for each file, width, height, depth and the CRC-32 of the RGB values as they are read (16 bit in
little-endian order): both sides decode to the bit. Of JPEGs it holds the values themselves, because decoders may round
differently. Files without an entry must be refused.
"""

import io
import json
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

FOLDER = Path(__file__).parent / "files"
WIDTH, HEIGHT = 20, 14

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'


def main():
    FOLDER.mkdir(exist_ok=True)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    values = np.stack([x * 12, y * 18, 255 - x * 12], axis=-1).astype(np.uint8)
    wide = np.stack([x * 3300, y * 4600 + 7, 65535 - x * 3300], axis=-1).astype(np.uint16)
    rgb = Image.fromarray(values)
    other = ImageOps.flip(rgb)
    grey = rgb.convert("L")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    cmyk_profile = profile[:16] + b"CMYK" + profile[20:]

    def save(name, picture, **options):
        picture.save(FOLDER / name, **options)

    save("grey.jpg", grey, quality=90)
    save("fine.jpg", rgb, quality=90, subsampling=0)
    save("progressive.jpg", rgb, quality=90, progressive=True)
    save("cmyk.jpg", rgb.convert("CMYK"), quality=95, icc_profile=cmyk_profile)
    # The same values called YCCK: the transform is told in the Adobe segment.
    ycck = bytearray((FOLDER / "cmyk.jpg").read_bytes())
    ycck[ycck.index(b"Adobe") + 11] = 2
    (FOLDER / "ycck.jpg").write_bytes(ycck)

    exif = camera(orientation=6)
    save("camera.jpg", rgb, quality=90, exif=exif, icc_profile=profile, xmp=XMP)
    save("camera.webp", rgb, lossless=True, exif=exif, icc_profile=profile, xmp=XMP)
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
    save("camera.png", rgb, exif=exif, icc_profile=profile, pnginfo=text)
    for orientation in range(2, 9):
        save(f"orientation-{orientation}.tif", rgb, exif=camera(orientation))

    save("palette.png", rgb.quantize(8))
    save("grey-alpha.png", grey.convert("LA"))
    save("bits.png", grey.convert("1"))
    cv2.imwrite(str(FOLDER / "wide.png"), wide[:, :, ::-1])
    save("grey-wide.png", Image.fromarray(wide[:, :, 1]))
    save("animated.png", rgb, save_all=True, append_images=[other])

    cv2.imwrite(str(FOLDER / "wide.tif"), wide[:, :, ::-1])
    save("grey-wide.tif", Image.fromarray(wide[:, :, 1]))
    cv2.imwrite(str(FOLDER / "float.tif"), (wide[:, :, ::-1] / 65535).astype(np.float32))
    save("cmyk.tif", rgb.convert("CMYK"), icc_profile=cmyk_profile)
    save("alpha.tif", rgb.convert("RGBA"), compression="tiff_lzw")
    save("bits.tif", grey.convert("1"), compression="group4")
    save("white-is-zero.tif", ImageOps.invert(grey), tiffinfo={262: 0})
    save("pages.tif", rgb, save_all=True, append_images=[other], compression="packbits")
    save("palette.tif", rgb.quantize(8))
    save("refused-lab.tif", rgb.convert("LAB"))
    save("big.tif", rgb, big_tiff=True)

    save("lossy.webp", rgb, quality=80)
    save("alpha.webp", rgb.convert("RGBA"), lossless=True)
    save("animated.webp", rgb, save_all=True, append_images=[other], lossless=True)

    listed = {path.name: read(path) for path in sorted(FOLDER.iterdir()) if not path.name.startswith("refused")}
    lines = [f'  "{name}": {json.dumps(entry)}' for name, entry in listed.items()]
    (FOLDER.parent / "files.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def camera(orientation):
    """EXIF with fields in all three directories."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[0x0112] = orientation
    exif.get_ifd(0x8769)[0x829A] = (1, 250)
    exif.get_ifd(0x8825)[2] = (51.0, 30.0, 1.5)
    return exif


def read(path):
    """What files.json tells of a file."""
    if "wide" in path.name or "float" in path.name:
        values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if values.ndim == 2:
            values = np.repeat(values[:, :, None], 3, axis=-1)
        values = values[:, :, ::-1]
        if values.dtype == np.float32:
            values = np.round(values.astype(np.float64) * 65535).astype(np.uint16)
        depth = 16
    else:
        values = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
        depth = 8
    height, width, _ = values.shape
    values = np.ascontiguousarray(values).tobytes()
    entry = {"width": width, "height": height, "depth": depth, "crc": zlib.crc32(values)}
    if path.suffix == ".jpg":
        entry["values"] = values.hex()
    return entry


if __name__ == "__main__":
    main()
