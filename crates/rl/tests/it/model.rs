//! The model file: what comes back, and what is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use dodge_imaging::Photo;
use dodge_learn::{AgentNetwork, Head, cpu};
use dodge_rl::{ActionSet, Error, HOUSE_MODEL, MODEL_FORMAT, Model, Observe};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{configuration, model, observations, scene};

const FORMAT: &str = "/__metadata__/dodge_model_format";
const CONFIGURATION: &str = "/__metadata__/dodge_model_configuration";

fn saved(model: &Model) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    fs::read(&path).unwrap()
}

fn written(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn load(bytes: &[u8]) -> Result<Model, Error> {
    Model::load(&written(bytes).1, &cpu())
}

/// The reason of a refusal; it must be one of a model, name the file and come within a few seconds.
fn refusal(bytes: impl AsRef<[u8]>) -> String {
    let (_folder, path) = written(bytes.as_ref());
    let (sender, receiver) = mpsc::channel();
    let place = path.clone();
    // On a thread of its own, so that a file that takes for ever fails this test instead of hanging it.
    std::thread::spawn(move || sender.send(Model::load(&place, &cpu()).map(|_| ())));
    let error = receiver.recv_timeout(Duration::from_secs(20)).expect("loading takes for ever, or panics").unwrap_err();
    assert!(matches!(error, Error::Model { .. }), "{error:?}");
    let message = error.to_string();
    let start = format!("model {}: ", path.display());
    message.strip_prefix(&start).unwrap_or_else(|| panic!("{message} does not start with {start}")).to_owned()
}

fn header_len(bytes: &[u8]) -> usize {
    8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

/// The file with another header.
fn with_header(bytes: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let end = header_len(bytes);
    let mut header: Value = serde_json::from_slice(&bytes[8..end]).unwrap();
    change(&mut header);
    let header = header.to_string();
    let mut result = (header.len() as u64).to_le_bytes().to_vec();
    result.extend(header.as_bytes());
    result.extend(&bytes[end..]);
    result
}

/// The file with another value in its configuration.
fn with_configuration(bytes: &[u8], key: &str, value: Value) -> Vec<u8> {
    with_header(bytes, |header| {
        let place = header.pointer_mut(CONFIGURATION).unwrap();
        let mut configuration: Value = serde_json::from_str(place.as_str().unwrap()).unwrap();
        configuration[key] = value;
        *place = configuration.to_string().into();
    })
}

#[test]
fn a_model_comes_back_as_it_was_saved() {
    for hidden in [&[16_usize, 8][..], &[8], &[]] {
        let model = model(hidden, 5);
        let (_folder, path) = written(&[]);
        model.save(&path).unwrap();
        let again = Model::load(&path, &cpu()).unwrap();
        assert_eq!(again.configuration(), &configuration(hidden));
        assert_eq!(again.actions(), model.actions());
        let rows = observations(300);
        let chosen = model.preferences(&rows);
        assert_eq!(again.preferences(&rows), chosen);
        assert!(chosen.iter().any(|&action| action != chosen[0]), "the model does look at its input");
        let photo = scene(3, 60, 40);
        assert_eq!(again.recipe_for(&photo), model.recipe_for(&photo));
        assert_eq!(saved(&again).len(), saved(&model).len());
    }
}

#[test]
fn other_weights_act_in_another_way() {
    let rows = observations(300);
    assert_ne!(model(&[16], 5).preferences(&rows), model(&[16], 6).preferences(&rows));
}

#[test]
fn a_model_replaces_the_one_before() {
    let (folder, path) = written(b"what was there before");
    model(&[8], 1).save(&path).unwrap();
    model(&[8], 2).save(&path).unwrap();
    let rows = observations(50);
    assert_eq!(Model::load(&path, &cpu()).unwrap().preferences(&rows), model(&[8], 2).preferences(&rows));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn a_failed_save_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = model(&[8], 1).save(&missing.join("model.safetensors")).unwrap_err();
    assert!(matches!(error, Error::File { action: "write", .. }), "{error:?}");
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(!missing.exists());

    // A folder stands where the file should be: the temporary file was written and must go again.
    let taken = folder.path().join("taken.safetensors");
    fs::create_dir(&taken).unwrap();
    let error = model(&[8], 1).save(&taken).unwrap_err();
    assert!(matches!(error, Error::File { action: "write", .. }), "{error:?}");
    let left: Vec<PathBuf> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [taken]);
}

#[test]
fn a_missing_file_is_named() {
    let error = Model::load(Path::new("no/such/model.safetensors"), &cpu()).unwrap_err();
    assert!(matches!(error, Error::File { action: "read", .. }));
    assert!(error.to_string().starts_with("cannot read no/such/model.safetensors: "), "{error}");
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends() {
    let bytes = saved(&model(&[8], 1));
    let header = header_len(&bytes);
    let lengths = (0..header + 20).step_by(7).chain([1, 7, 8, 9, header - 1, header, header + 1]);
    for length in lengths.chain([bytes.len() / 2, bytes.len() - 4, bytes.len() - 1]) {
        let reason = refusal(&bytes[..length]);
        assert!(reason.starts_with("is no model file, or truncated ("), "{length} bytes: {reason}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(refusal(longer).starts_with("is no model file, or truncated ("));
}

#[test]
fn no_change_of_a_byte_of_the_header_makes_it_panic() {
    let bytes = saved(&model(&[4], 1));
    let mut refused = 0;
    for place in 0..header_len(&bytes) {
        for flip in [0xff, 0x01, 0x10] {
            let mut changed = bytes.clone();
            changed[place] ^= flip;
            match load(&changed) {
                // Some bytes say nothing of importance: the seed, the name of the juror.
                Ok(model) => assert_eq!(model.preferences(&observations(2)).len(), 2 * model.actions().len()),
                Err(Error::Model { .. }) => refused += 1,
                Err(error) => panic!("byte {place}: {error:?}"),
            }
        }
    }
    assert!(refused > 1000, "{refused} changes were noticed");
}

#[test]
fn what_is_no_model_of_this_version_is_refused() {
    let bytes = saved(&model(&[8, 4], 1));
    assert!(load(&with_header(&bytes, |_| {})).is_ok(), "the way in which these files are made works");
    assert_eq!(MODEL_FORMAT, 7);
    let changed = |pointer: &'static str, value: Value| {
        with_header(&bytes, |header| *header.pointer_mut(pointer).unwrap() = value)
    };
    let removed = |key: &str| {
        with_header(&bytes, |header| {
            header["__metadata__"].as_object_mut().unwrap().remove(key);
        })
    };
    for (bytes, expected) in [
        (b"not a model at all, but long enough for a header".to_vec(), "is no model file, or truncated ("),
        (changed(FORMAT, json!("1")), "has format version 1, this program reads version 7: train it again"),
        (changed(FORMAT, json!("")), "has format version , this program reads version 7"),
        (removed("dodge_model_format"), "is a safetensors file, but no model of dodge"),
        (
            with_header(&bytes, |header| {
                header.as_object_mut().unwrap().remove("__metadata__");
            }),
            "is a safetensors file, but no model of dodge",
        ),
        (removed("dodge_model_configuration"), "lacks its configuration"),
        (changed(CONFIGURATION, json!("")), "has a configuration that cannot be read: EOF"),
        (changed(CONFIGURATION, json!("{}")), "has a configuration that cannot be read: missing field `actions`"),
        (with_configuration(&bytes, "max_steps", json!(-1)), "has a configuration that cannot be read: invalid value"),
        (
            with_configuration(&bytes, "observation", json!("own")),
            "was shown photos by `own`, this program has `statistics, version 2`: train it again",
        ),
        (with_configuration(&bytes, "actions", json!([])), "environment.actions: at least one operation is needed"),
        (with_configuration(&bytes, "actions", json!(["crop:1x1"])), "changes the size"),
        (
            with_configuration(&bytes, "known_edits", json!({"best_single_edit": "crop:1x1", "constant_edit": []})),
            "names baselines that change the size",
        ),
        (
            with_configuration(&bytes, "known_edits", json!({"best_single_edit": "glow:1", "constant_edit": []})),
            "has a configuration that cannot be read: unknown operation `glow:1`",
        ),
        (with_configuration(&bytes, "actions", json!(["glow:1"])), "unknown operation `glow:1`"),
    ] {
        let reason = refusal(bytes);
        assert!(reason.contains(expected), "{reason:?} lacks {expected:?}");
    }
}

#[test]
fn tensors_that_do_not_fit_the_configuration_are_refused() {
    let bytes = saved(&model(&[8, 8], 1));
    let first_weight = |header: &Value| {
        let tensors = header.as_object().unwrap().iter();
        let weights = tensors.filter(|(name, value)| *name != "__metadata__" && value["shape"][0] != value["shape"][1]);
        weights.map(|(name, _)| name.clone()).find(|name| name.contains("weight")).unwrap()
    };
    let files = [
        with_configuration(&bytes, "hidden", json!([8, 9])),
        with_configuration(&bytes, "hidden", json!([16, 8])),
        with_configuration(&bytes, "hidden", json!([8])),
        with_configuration(&bytes, "hidden", json!([])),
        with_configuration(&bytes, "hidden", json!([8, 8, 8])),
        with_configuration(&bytes, "actions", json!(["lightness:10"])),
        with_configuration(&bytes, "actions", json!(["lightness:1", "lightness:2", "blur:1", "blur:2", "blur:3"])),
        with_header(&bytes, |header| {
            let name = first_weight(header);
            header[&name]["shape"].as_array_mut().unwrap().reverse();
        }),
        with_header(&bytes, |header| {
            let name = first_weight(header);
            header[&name]["dtype"] = json!("I32");
        }),
        with_header(&bytes, |header| {
            let name = first_weight(header);
            let tensor = header.as_object_mut().unwrap().remove(&name).unwrap();
            header["stranger"] = tensor;
        }),
    ];
    for (index, bytes) in files.into_iter().enumerate() {
        let reason = refusal(bytes);
        assert!(reason.contains("its tensors"), "file {index}: {reason}");
    }
}

#[test]
fn absurd_sizes_are_refused_at_once() {
    let bytes = saved(&model(&[8], 1));
    for hidden in [json!([0]), json!([8193]), json!([1_u64 << 40]), json!([u64::MAX, u64::MAX]), json!(vec![1; 9])] {
        let reason = refusal(with_configuration(&bytes, "hidden", hidden));
        assert!(reason.starts_with("has hidden layers of [") && reason.ends_with("out of bounds"), "{reason}");
    }
    for (key, value) in [
        ("max_steps", 0),
        ("max_steps", 101),
        ("most_looks", 0),
        ("most_looks", 101),
        ("working_size", 0),
        ("working_size", 1_000_000),
    ] {
        let reason = refusal(with_configuration(&bytes, key, json!(value)));
        assert_eq!(
            reason,
            "has an episode length, a number of looks, a working size, a picture size or a least gain out of bounds",
            "{key} {value}"
        );
    }
}

#[test]
fn sizes_that_the_file_does_not_hold_are_not_made_first() {
    // Within the bounds of each layer, but gigabytes and minutes if these networks were really built.
    let bytes = saved(&model(&[8], 1));
    let reason = refusal(with_configuration(&bytes, "hidden", json!(vec![8192; 8])));
    assert!(reason.contains("its tensors"), "{reason}");
}

/// One value for each photo.
#[derive(Debug)]
struct Brightness;

impl Observe for Brightness {
    fn name(&self) -> String {
        "brightness".to_owned()
    }

    fn description_len(&self) -> usize {
        1
    }

    fn describe(&self, photo: &Photo, into: &mut [f32]) {
        let sum: u64 = photo.pixels().iter().map(|&value| u64::from(value)).sum();
        into[0] = sum as f32 / photo.pixels().len() as f32 / 255.0;
    }
}

#[test]
fn a_model_with_an_observation_of_its_own_is_read_with_it_only() {
    let actions = ActionSet::parse(&configuration(&[4]).actions).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let length = Brightness.observation_len(actions.len());
    let network = AgentNetwork::new(length, &[4], actions.len(), Head::Policy, &mut rng, &cpu());
    let model = Model::new(configuration(&[4]), Arc::new(Brightness), network, cpu()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.safetensors");
    model.save(&path).unwrap();
    let read = Model::load_with(&path, Some(Arc::new(Brightness)), &cpu()).unwrap();
    let photo = scene(0, 20, 16);
    assert_eq!(read.recipe_for(&photo), model.recipe_for(&photo));
    let error = Model::load(&path, &cpu()).unwrap_err().to_string();
    assert!(error.contains("was shown photos by `brightness`"), "{error}");
}

#[test]
fn the_model_in_the_box_is_one_that_this_program_reads_and_brings_photos_back() {
    let model = Model::in_the_box(&cpu()).unwrap();
    assert!(HOUSE_MODEL.len() < 1 << 20, "it comes with the program: {} bytes", HOUSE_MODEL.len());
    assert_eq!(model.configuration().algorithm, "apg");
    // Of another series than it was trained on.
    let gained = (0..12).map(|index| {
        let original = dodge_data::synthetic::photo(99, index, 96, 64);
        let damaged = "gamma:0.6".parse::<dodge_imaging::Operation>().unwrap().apply(&original);
        let psnr = |photo: &Photo| dodge_imaging::psnr_db(&original, photo).unwrap();
        psnr(&model.recipe_for(&damaged).apply(&damaged)) - psnr(&damaged)
    });
    let mean = gained.sum::<f64>() / 12.0;
    assert!(mean > 3.0, "{mean} dB");
}
