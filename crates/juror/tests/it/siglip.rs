//! The aesthetic predictor on a tiny encoder with random numbers, and files that are none.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use dodge_imaging::Photo;
use dodge_juror::{Error, Juror, SiglipJuror};
use half::{bf16, f16};
use proptest::prelude::*;
use rayon::prelude::*;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const ENCODER: &str = "model.safetensors";
const HEAD: &str = "aesthetic_predictor_v2_5.pth";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/siglip")
}

fn open(folder: &Path) -> Result<SiglipJuror, Error> {
    SiglipJuror::open(folder, &Device::flex())
}

fn photo(name: &str) -> Photo {
    Photo::open(&golden().join(name)).unwrap()
}

fn expected_score() -> f64 {
    let expected: serde_json::Value =
        serde_json::from_slice(&fs::read(golden().join("expected.json")).unwrap()).unwrap();
    expected["score"].as_f64().unwrap()
}

/// The files of the model, to be changed.
fn copy() -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in ["config.json", ENCODER, HEAD] {
        fs::copy(golden().join(name), folder.path().join(name)).unwrap();
    }
    folder
}

/// A tensor of a file.
struct Tensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    fn numbers(&self) -> Vec<f32> {
        self.bytes.as_chunks().0.iter().map(|&number| f32::from_le_bytes(number)).collect()
    }
}

/// The tensors of the file, changed, as they are in the folder then.
fn change(folder: &Path, change: impl FnOnce(&mut Vec<Tensor>)) {
    let bytes = fs::read(folder.join(ENCODER)).unwrap();
    let of_view = |(name, view): (&str, TensorView<'_>)| Tensor {
        name: name.to_owned(),
        dtype: view.dtype(),
        shape: view.shape().to_vec(),
        bytes: view.data().to_vec(),
    };
    let mut tensors: Vec<Tensor> = SafeTensors::deserialize(&bytes).unwrap().iter().map(of_view).collect();
    change(&mut tensors);
    write(&folder.join(ENCODER), &tensors);
}

fn write(path: &Path, tensors: &[Tensor]) {
    let views =
        tensors.iter().map(|it| (it.name.as_str(), TensorView::new(it.dtype, it.shape.clone(), &it.bytes).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn refusal(folder: &Path) -> String {
    open(folder).unwrap_err().to_string()
}

#[test]
fn a_score_is_that_of_transformers() {
    let juror = open(&golden()).unwrap();
    let [resized, whole] = juror.score(&[&photo("resized.png"), &photo("photo.png")]).unwrap()[..] else {
        unreachable!()
    };
    assert!((resized - expected_score()).abs() <= 1e-4, "{resized}, not {}", expected_score());
    // Resampled here, and a few values are a level beside those of Pillow.
    assert!((whole - expected_score()).abs() <= 1e-2, "{whole}, not {}", expected_score());
}

#[test]
fn a_score_depends_on_nothing_but_the_photo() {
    let juror = open(&golden()).unwrap();
    let photos: Vec<Photo> = (0..11_u32)
        .map(|seed| {
            Photo::from_fn(40 + seed, 33, |x, y| [(x * seed) as u8, (y * 7) as u8, (x + y * seed) as u8]).unwrap()
        })
        .collect();
    let alone: Vec<f64> = photos.iter().map(|photo| juror.score_one(photo).unwrap()).collect();
    assert!(alone.iter().all(|score| (0.0..=10.0).contains(score)) && alone[1] != alone[2], "{alone:?}");
    assert_eq!(juror.score(&photos.iter().collect::<Vec<_>>()).unwrap(), alone);
    // From threads of a pool, as many as there are and a single one: none of them may wait for itself.
    let from_a_pool = || photos.par_iter().map(|photo| juror.score_one(photo).unwrap()).collect::<Vec<f64>>();
    assert_eq!(from_a_pool(), alone);
    assert_eq!(rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(from_a_pool), alone);
    assert_eq!(juror.score(&[]).unwrap(), Vec::<f64>::new());
}

#[test]
fn half_precision_is_read() {
    let exact = open(&golden()).unwrap().score_one(&photo("resized.png")).unwrap();
    for (dtype, most) in [(Dtype::BF16, 0.1), (Dtype::F16, 0.01)] {
        let folder = copy();
        change(folder.path(), |tensors| {
            for tensor in tensors {
                let halved = |number: &f32| match dtype {
                    Dtype::BF16 => bf16::from_f32(*number).to_le_bytes(),
                    _ => f16::from_f32(*number).to_le_bytes(),
                };
                (tensor.bytes, tensor.dtype) = (tensor.numbers().iter().flat_map(halved).collect(), dtype);
            }
        });
        let halved = open(folder.path()).unwrap().score_one(&photo("resized.png")).unwrap();
        assert!(halved != exact && (halved - exact).abs() < most, "{dtype:?}: {halved}, and {exact} with all digits");
    }
}

#[test]
fn the_tower_may_be_alone_and_the_head_in_safetensors() {
    let exact = open(&golden()).unwrap();
    let folder = copy();
    change(folder.path(), |tensors| tensors.retain(|tensor| tensor.name.starts_with("vision_model.")));
    let configuration: serde_json::Value =
        serde_json::from_slice(&fs::read(golden().join("config.json")).unwrap()).unwrap();
    fs::write(folder.path().join("config.json"), configuration["vision_config"].to_string()).unwrap();
    fs::remove_file(folder.path().join(HEAD)).unwrap();
    // As the predictor's own class saves it: a prefix, and the encoder beside it.
    let reader = pytorch_reader::PytorchReader::new(golden().join(HEAD)).unwrap();
    let mut head: Vec<Tensor> = reader
        .tensors()
        .iter()
        .map(|(name, view)| Tensor {
            name: format!("layers.{name}"),
            dtype: Dtype::BF16,
            shape: view.shape().to_vec(),
            bytes: view.read().unwrap(),
        })
        .collect();
    head.push(Tensor { name: "vision_model.x".into(), dtype: Dtype::I64, shape: vec![1], bytes: vec![0; 8] });
    write(&folder.path().join("aesthetic_predictor_v2_5.safetensors"), &head);
    let alone = open(folder.path()).unwrap();
    let score = |juror: &SiglipJuror| juror.score_one(&photo("photo.png")).unwrap();
    assert_eq!(score(&alone), score(&exact));
    assert_ne!(alone.name(), exact.name(), "other files");
}

#[test]
fn the_name_tells_the_files() {
    let juror = open(&golden()).unwrap();
    let hash = |name: &str| -> String {
        Sha256::digest(fs::read(golden().join(name)).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let [encoder, head, configuration] = [ENCODER, HEAD, "config.json"].map(hash);
    assert_eq!(juror.name(), format!("siglip-1 ({} {} {})", &encoder[..12], &head[..12], &configuration[..12]));
    let files = [(ENCODER, encoder), (HEAD, head), ("config.json", configuration)];
    assert_eq!(juror.files(), files.map(|(name, hash)| (name.to_owned(), hash)));
}

#[test]
fn what_is_missing_is_named_with_where_it_is() {
    for (name, source) in [
        ("config.json", "google/siglip-so400m-patch14-384"),
        (ENCODER, "google/siglip-so400m-patch14-384"),
        (HEAD, "aesthetic-predictor-v2-5"),
    ] {
        let folder = copy();
        let path = folder.path().join(name);
        fs::remove_file(&path).unwrap();
        let told = refusal(folder.path());
        assert!(told.starts_with(&format!("{} is no file of a juror: it is not there; ", path.display())), "{told}");
        assert!(told.contains(source), "{told}");
        fs::create_dir(&path).unwrap();
        assert!(refusal(folder.path()).contains("it is no ordinary file"));
    }
}

#[test]
fn a_checkpoint_of_another_model_is_refused() {
    let query = "vision_model.encoder.layers.1.self_attn.q_proj.weight";
    let check = |made: fn(&mut Vec<Tensor>), expected: &str| {
        let folder = copy();
        change(folder.path(), made);
        let told = refusal(folder.path());
        assert!(told.contains(expected), "{told}, not {expected}");
    };
    let missing = format!("1 of 48 tensors are missing, the first of them `{query}`");
    check(|tensors| tensors.retain(|it| !it.name.ends_with("layers.1.self_attn.q_proj.weight")), &missing);
    check(|tensors| tensors.clear(), "48 of 48 tensors are missing");
    let shape = format!("`{query}` has the shape [12, 48], and [24, 24] is needed");
    check(|tensors| of_name(tensors, "layers.1.self_attn.q_proj.weight").shape = vec![12, 48], &shape);
    let whole = |tensors: &mut Vec<Tensor>| {
        let tensor = of_name(tensors, "post_layernorm.bias");
        (tensor.dtype, tensor.bytes) = (Dtype::I64, vec![0; 8 * 24]);
    };
    check(whole, "`vision_model.post_layernorm.bias` is of the type I64, and F32, F16 or BF16 is needed");
    let deeper = |tensors: &mut Vec<Tensor>| {
        let name = "vision_model.encoder.layers.2.layer_norm1.bias".into();
        tensors.push(Tensor { name, dtype: Dtype::F32, shape: vec![24], bytes: vec![0; 96] });
    };
    check(
        deeper,
        "`vision_model.encoder.layers.2.layer_norm1.bias` is no part of the model that its configuration describes",
    );
}

fn of_name<'a>(tensors: &'a mut [Tensor], end: &str) -> &'a mut Tensor {
    tensors.iter_mut().find(|it| it.name.ends_with(end)).unwrap()
}

#[test]
fn what_is_cut_off_is_refused() {
    let model = fs::read(golden().join(ENCODER)).unwrap();
    let folder = copy();
    let check = |bytes: &[u8], expected: &str| {
        fs::write(folder.path().join(ENCODER), bytes).unwrap();
        let told = refusal(folder.path());
        assert!(
            told.contains("it is no safetensors file, or cut off") && told.contains(expected),
            "{told}, not {expected}"
        );
    };
    check(&[], "it has 0 bytes");
    check(&model[..7], "it has 7 bytes");
    check(&model[..8], "can have 0");
    check(&model[..100], "can have 92");
    check(&model[..model.len() - 1], "bytes follow its header, which tells of");
    check(&[&model[..], &[0]].concat(), "bytes follow its header, which tells of");
    check(&[&u64::MAX.to_le_bytes(), &model[8..]].concat(), "its header would have 18446744073709551615 bytes");
    let overlapping = br#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    check(&[&(overlapping.len() as u64).to_le_bytes(), &overlapping[..], &[0; 8]].concat(), "nvalid");
    let absurd = br#"{"a":{"dtype":"F32","shape":[18446744073709551615,18446744073709551615],"data_offsets":[0,8]}}"#;
    check(&[&(absurd.len() as u64).to_le_bytes(), &absurd[..], &[0; 8]].concat(), "verflow");

    let folder = copy();
    let head = fs::read(golden().join(HEAD)).unwrap();
    for length in [0, 4, 100, 1000, head.len() - 30] {
        fs::write(folder.path().join(HEAD), &head[..length]).unwrap();
        let told = refusal(folder.path());
        assert!(told.contains("it cannot be read as a file of PyTorch"), "{told}");
    }
}

#[test]
fn a_configuration_of_another_size_is_refused() {
    let folder = copy();
    let check = |tower: &str, expected: &str| {
        fs::write(folder.path().join("config.json"), format!(r#"{{"vision_config": {{{tower}}}}}"#)).unwrap();
        let told = refusal(folder.path());
        assert!(told.contains(expected), "{told}, not {expected}");
    };
    check("", "it looks at 24 numbers, and the encoder makes 1152");
    check(r#""hidden_size": 99999999999"#, "`hidden_size` is 99999999999, and has to be from 1 to 4096");
    check(
        r#""hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 3, "image_size": 70, "patch_size": 7"#,
        "`vision_model.embeddings.position_embedding.weight` has the shape [16, 24], and [100, 24] is needed",
    );
    fs::write(folder.path().join("config.json"), vec![b' '; (1 << 20) + 1]).unwrap();
    assert!(refusal(folder.path()).contains("it has 1048577 bytes, more than 1048576"));
}

#[test]
fn a_head_of_another_kind_is_refused() {
    let folder = copy();
    let path = folder.path().join("aesthetic_predictor_v2_5.safetensors");
    let check = |tensors: &[(&str, &[usize])], expected: &str| {
        let zeros = |&(name, shape): &(&str, &[usize])| Tensor {
            name: name.to_owned(),
            dtype: Dtype::F32,
            shape: shape.to_vec(),
            bytes: vec![0; 4 * shape.iter().product::<usize>()],
        };
        write(&path, &tensors.iter().map(zeros).collect::<Vec<_>>());
        let told = refusal(folder.path());
        assert!(told.contains(expected), "{told}, not {expected}");
    };
    let (weight, bias) = ("scoring_head.0.weight", "scoring_head.0.bias");
    check(&[("other", &[1])], "it has no tensor `scoring_head.0.weight`");
    check(&[(weight, &[1, 24])], "`scoring_head.0` has 1 rows of weights and 0 biases");
    check(&[(weight, &[1, 24]), (bias, &[2])], "`scoring_head.0` has 1 rows of weights and 2 biases");
    check(&[(weight, &[2, 24]), (bias, &[2])], "a layer makes 2 numbers, and 1 are needed");
    check(&[(weight, &[1, 23]), (bias, &[1])], "it looks at 23 numbers, and the encoder makes 24");
    check(&[(weight, &[1, 24]), (bias, &[1, 1])], "`scoring_head.0.bias` has the shape [1, 1]");
    check(&[(weight, &[1, 5000]), (bias, &[1])], "`scoring_head.0.weight` has the shape [1, 5000]");
    check(&[(weight, &[1, 24]), (bias, &[1]), ("scoring_head.1.running_mean", &[1])], "is no part of the model");
    let infinite = [(weight, vec![1, 24], f32::INFINITY), (bias, vec![1], 0.0)].map(|(name, shape, number)| Tensor {
        name: name.to_owned(),
        dtype: Dtype::F32,
        bytes: number.to_le_bytes().repeat(shape.iter().product()),
        shape,
    });
    write(&path, &infinite);
    assert!(refusal(folder.path()).contains("infinite"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Wherever a file is damaged, it is read or refused.
    #[test]
    fn damaged_files_do_not_panic(places in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6), in_head: bool) {
        let folder = copy();
        let path = folder.path().join(if in_head { HEAD } else { ENCODER });
        let mut bytes = fs::read(&path).unwrap();
        // The header of a checkpoint is what can be misread.
        let length = if in_head { bytes.len() } else { 6000 };
        for (place, value) in places {
            bytes[place.index(length)] = value;
        }
        fs::write(&path, bytes).unwrap();
        let _ = open(folder.path());
    }
}
