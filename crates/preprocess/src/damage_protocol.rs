//! Which damage photos get.

use dodge_hparams::Choice;
use dodge_imaging::{CAMERA_DAMAGE_VERSION, Damage, STANDARD_DAMAGE_VERSION};
use rand::{Rng, RngExt};
use serde::{Serialize, Serializer};

/// By which protocol photos are damaged: in preprocessing, in training, in validation and in evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Choice)]
pub enum DamageProtocol {
    /// One or two of five kinds, on encoded values: the default, by which figures compare.
    #[default]
    Standard,
    /// One to four of exposure, tone curve, white balance, tint and haze, in linear light: as cameras and people make it.
    Camera,
    /// For each photo one of the two, each as likely.
    Mixed,
}

impl DamageProtocol {
    /// Draws a damage: [`Damage::standard`] or [`Damage::camera`], each of which says what it draws.
    #[must_use]
    pub fn draw(self, rng: &mut impl Rng) -> Damage {
        match self {
            Self::Standard => Damage::standard(rng),
            Self::Camera => Damage::camera(rng),
            Self::Mixed if rng.random_bool(0.5) => Damage::camera(rng),
            Self::Mixed => Damage::standard(rng),
        }
    }

    /// Name and versions of what is drawn, for the key of a result.
    pub(crate) fn key(self) -> String {
        let (standard, camera) = (STANDARD_DAMAGE_VERSION, CAMERA_DAMAGE_VERSION);
        match self {
            // The version alone, as it was when there was no other protocol: results of then are good.
            Self::Standard => standard.to_string(),
            Self::Camera => format!("camera {camera}"),
            Self::Mixed => format!("mixed {standard} {camera}"),
        }
    }
}

/// By its name, as in configuration files.
impl Serialize for DamageProtocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use dodge_imaging::DamageKind;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn drawn(protocol: DamageProtocol, count: usize) -> Vec<Damage> {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        (0..count).map(|_| protocol.draw(&mut rng)).collect()
    }

    #[test]
    fn standard_is_the_standard_damage_to_the_bit() {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let expected: Vec<Damage> = (0..50).map(|_| Damage::standard(&mut rng)).collect();
        assert_eq!(drawn(DamageProtocol::default(), 50), expected);
    }

    #[test]
    fn a_photo_gets_one_of_the_two_and_half_of_them_each() {
        let of = |kinds: [DamageKind; 5], damage: &Damage| damage.steps().iter().all(|step| kinds.contains(&step.kind));
        let is_camera = |damage: &Damage| of(DamageKind::CAMERA, damage);
        assert!(drawn(DamageProtocol::Camera, 200).iter().all(is_camera));
        let mixed = drawn(DamageProtocol::Mixed, 1000);
        let count = mixed.iter().filter(|damage| is_camera(damage)).count();
        assert!((440..560).contains(&count), "{count} of 1000");
        assert!(mixed.iter().all(|damage| is_camera(damage) || of(DamageKind::STANDARD, damage)), "never both at once");
        assert_eq!(mixed, drawn(DamageProtocol::Mixed, 1000), "equal seeds");
    }

    #[test]
    fn each_has_a_key_of_its_own() {
        use DamageProtocol::{Camera, Mixed, Standard};
        assert_eq!([Standard, Camera, Mixed].map(DamageProtocol::key), ["1", "camera 1", "mixed 1 1"]);
    }
}
