//! Models were trained on the pixels of these operations and damages, so they stay what they are.

use dodge_imaging::{Damage, DamageKind, DamageStep, Operation, Photo};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// All values, gradients and edges.
fn photo() -> Photo {
    Photo::from_fn(101, 67, |x, y| {
        let edge = if (x / 9 + y / 7) % 2 == 0 { 0 } else { 90 };
        [(x * 2 + edge) as u8, (y * 3 + edge + x) as u8, (x * y / 11 + edge) as u8]
    })
    .unwrap()
}

/// FNV-1a.
fn hash(bytes: impl Iterator<Item = u8>) -> u32 {
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn digest(photo: &Photo) -> u32 {
    hash(photo.pixels().iter().copied())
}

#[track_caller]
fn check(found: impl Iterator<Item = (String, Photo)>, expected: &[(&str, u32)]) {
    let found: Vec<(String, u32)> = found.map(|(name, photo)| (name, digest(&photo))).collect();
    let found: Vec<(&str, u32)> = found.iter().map(|(name, digest)| (&**name, *digest)).collect();
    assert_eq!(found, expected);
}

#[test]
fn operations_of_trained_models() {
    let expected = [
        ("lightness:30", 830_725_177),
        ("lightness:-10", 1_935_440_014),
        ("contrast:1.35", 1_136_768_895),
        ("contrast:0.905", 731_158_092),
        ("gamma:1.127", 2_591_476_916),
        ("gamma:0.705", 3_768_476_799),
        ("saturation:1.49", 3_936_033_177),
        ("saturation:0.86", 3_657_920_747),
        ("warmth:0.11", 378_953_551),
        ("warmth:-0.04", 1_029_340_695),
        ("tint:0.06", 1_697_543_975),
        ("vibrance:0.4", 3_556_764_210),
        ("shadows:0.4", 808_291_387),
        ("highlights:-0.4", 951_760_233),
        ("grey-world:1", 4_266_163_953),
        ("auto-contrast:0.5", 3_600_862_724),
        ("sharpen:0.4", 2_561_168_291),
    ];
    let found = expected.map(|(text, _)| (text.to_owned(), text.parse::<Operation>().unwrap().apply(&photo())));
    check(found.into_iter(), &expected);
}

#[test]
fn damages() {
    let of_standard = DamageKind::STANDARD.into_iter().zip([0.15, 1.6, 0.7, 0.5, -0.15]);
    let of_camera = DamageKind::CAMERA.into_iter().zip([0.2, 60.0, -0.4, 1.2, 1.6]);
    let found = of_standard.chain(of_camera).map(|(kind, amount)| {
        let steps = vec![DamageStep { kind, amount }, DamageStep { kind: DamageKind::Contrast, amount: 1.2 }];
        (kind.name().to_owned(), Damage::new(steps).apply(&photo()))
    });
    check(
        found,
        &[
            ("lightness", 2_873_964_849),
            ("gamma", 1_606_478_784),
            ("contrast", 2_523_845_802),
            ("saturation", 3_336_027_080),
            ("warmth", 536_098_422),
            ("haze", 1_706_574_228),
            ("white-balance", 3_298_550_697),
            ("tint", 3_049_234_877),
            ("exposure", 2_802_139_401),
            ("tone-curve", 428_627_617),
        ],
    );
}

/// Figures are compared by it.
#[test]
fn draws_of_the_standard_damage() {
    let mut rng = ChaCha8Rng::seed_from_u64(42);
    let drawn: Vec<String> = (0..8).map(|_| Damage::standard(&mut rng).to_string()).collect();
    let expected = [
        "lightness:0.126 gamma:0.704",
        "lightness:-0.165 saturation:0.691",
        "gamma:0.594 contrast:0.634",
        "gamma:1.364",
        "lightness:0.162 gamma:1.640",
        "saturation:1.410 warmth:0.171",
        "contrast:0.647",
        "lightness:0.085 warmth:0.164",
    ];
    assert_eq!(drawn, expected);
    // The rest bit by bit.
    let bits = (0..1000).flat_map(|_| {
        let steps = Damage::standard(&mut rng).steps().to_vec();
        steps.into_iter().flat_map(|step| step.amount.to_bits().to_le_bytes())
    });
    assert_eq!(hash(bits), 1_553_418_737);
}

#[test]
fn draws_of_the_damage_of_cameras() {
    let mut rng = ChaCha8Rng::seed_from_u64(42);
    let drawn: Vec<String> = (0..4).map(|_| Damage::camera(&mut rng).to_string()).collect();
    let expected = ["exposure:1.250", "white-balance:-69.944 exposure:-0.739", "tone-curve:1.699", "tint:-0.561"];
    assert_eq!(drawn, expected);
}

#[test]
fn thumbnails() {
    let found = [64, 33].map(|side| (side.to_string(), photo().thumbnail(side)));
    check(found.into_iter(), &[("64", 4_072_459_195), ("33", 2_993_128_273)]);
}
