//! The file of a learned juror: safetensors, with what it is in the metadata. It may come from anybody.

use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::network::{Layer, Ranker, Standard, WIDTHS};
use super::sight::{LENGTH, SIGHT_VERSION};
use super::{LearnedJuror, MEMBERS, TrainedOn};
use crate::error::Error;
use crate::files;

/// Version of the files that are written, and the only one that is read.
const FORMAT: u32 = 1;

/// Key of the file's metadata.
const KEY: &str = "dodge_juror";

/// Most bytes of a file that are read; one has about 220 kB.
const MAX_BYTES: u64 = 4 << 20;

/// What the file says about itself.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    format: u32,
    sight: u32,
    trained_on: TrainedOn,
}

impl LearnedJuror {
    /// The bytes of the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let about = About { format: FORMAT, sight: SIGHT_VERSION, trained_on: self.trained_on.clone() };
        let about = serde_json::to_string(&about).expect("plain values are always JSON");
        let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = self
            .numbers()
            .into_iter()
            .map(|(name, shape, numbers)| (name, shape, numbers.iter().flat_map(|it| it.to_le_bytes()).collect()))
            .collect();
        let views = tensors.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes).expect("the shape fits the numbers");
            (name.as_str(), view)
        });
        // A single key: the order of several would be another one every time.
        let metadata = [(KEY.to_owned(), about)].into();
        safetensors::serialize(views, Some(metadata)).expect("what fits its shape can be written")
    }

    /// The juror of the bytes of a file, or why they are none: no such file, one of another version, or with numbers that cannot be used.
    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let broken = |error: safetensors::SafeTensorError| format!("it is no safetensors file, or cut off: {error}");
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let about = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let about = about.ok_or("it is a safetensors file that `dodge juror train` did not make")?;
        let about: About =
            serde_json::from_str(about).map_err(|error| format!("it does not say what it is: {error}"))?;
        if (about.format, about.sight) != (FORMAT, SIGHT_VERSION) {
            return Err(format!(
                "it has version {}.{}, and this program reads version {FORMAT}.{SIGHT_VERSION}: train it again",
                about.format, about.sight
            ));
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(broken)?;
        let read = |name: &str, shape: &[usize]| numbers_of(&tensors, name, shape);
        let standard = Standard { centre: read("centre", &[LENGTH])?, spread: read("spread", &[LENGTH])? };
        if standard.spread.iter().any(|&spread| spread <= 0.0) {
            return Err("it has a spread that is not above 0".to_owned());
        }
        let member = |member: usize| {
            let layer = |(index, widths): (usize, &[usize])| {
                let name = format!("member.{member}.layer.{index}");
                let weight = read(&format!("{name}.weight"), widths)?;
                Ok(Layer { weight, bias: read(&format!("{name}.bias"), &widths[1..])? })
            };
            let layers = WIDTHS.windows(2).enumerate().map(layer).collect::<Result<_, String>>()?;
            let meaning = read(&format!("member.{member}.meaning"), &[2])?;
            if meaning[1] <= 0.0 {
                return Err("it has a scale that is not above 0".to_owned());
            }
            Ok(Ranker { layers, middle: meaning[0], scale: meaning[1] })
        };
        let members = (0..MEMBERS).map(member).collect::<Result<_, String>>()?;
        Ok(Self::new(standard, members, about.trained_on))
    }

    /// Reads a file that [`Self::to_bytes`] was written to.
    ///
    /// # Errors
    /// [`Error::Model`] when it cannot be read, is too large, or is no juror that this program can use.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let content = files::content(path, MAX_BYTES)?;
        let mut juror = Self::from_bytes(&content.bytes).map_err(|reason| files::unusable(path, reason))?;
        juror.files = vec![(path.file_name().unwrap_or_default().to_string_lossy().into_owned(), content.sha256)];
        Ok(juror)
    }

    /// All numbers with their names and shapes.
    fn numbers(&self) -> Vec<(String, Vec<usize>, Vec<f32>)> {
        let mut all = vec![
            ("centre".to_owned(), vec![LENGTH], self.standard.centre.clone()),
            ("spread".to_owned(), vec![LENGTH], self.standard.spread.clone()),
        ];
        for (member, ranker) in self.members.iter().enumerate() {
            for (index, (layer, widths)) in ranker.layers.iter().zip(WIDTHS.windows(2)).enumerate() {
                let name = format!("member.{member}.layer.{index}");
                all.push((format!("{name}.weight"), widths.to_vec(), layer.weight.clone()));
                all.push((format!("{name}.bias"), widths[1..].to_vec(), layer.bias.clone()));
            }
            all.push((format!("member.{member}.meaning"), vec![2], vec![ranker.middle, ranker.scale]));
        }
        all
    }
}

/// The numbers of a tensor of this shape, all finite.
fn numbers_of(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
    let tensor = tensors.tensor(name).map_err(|_| format!("it lacks `{name}`"))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
        let (got, dtype) = (tensor.shape(), tensor.dtype());
        return Err(format!("it has `{name}` of {dtype:?} {got:?}, expected F32 {shape:?}"));
    }
    let (numbers, _) = tensor.data().as_chunks::<4>();
    let numbers: Vec<f32> = numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    if numbers.iter().any(|number| !number.is_finite()) {
        return Err(format!("it has numbers in `{name}` that are none"));
    }
    Ok(numbers)
}
