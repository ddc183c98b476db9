//! `dodge datasets`, and training on a dataset by name.

use std::fs;
use std::path::Path;

use dodge_tests::Scratch;

use crate::photos::folder_of_photos;

/// Puts a folder's files into a tar.
fn tar(folder: &Path, archive: &Path) {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let content = fs::read(entry.path()).unwrap();
        let mut header = [0; 512];
        let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
        put(0, &format!("set/{}", entry.file_name().to_str().unwrap()));
        put(124, &format!("{:011o}", content.len()));
        // The sum is taken with blanks in its own place.
        put(148, "        0");
        put(257, "ustar");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        bytes.extend(header);
        bytes.extend(&content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend([0; 1024]);
    fs::write(archive, bytes).unwrap();
}

/// A scratch folder whose volume lists the dataset `mine`, six photos in an archive.
fn with_dataset() -> Scratch {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("photos"), 6);
    fs::create_dir(scratch.path("volume")).unwrap();
    tar(&scratch.path("photos"), &scratch.path("volume/mine.tar"));
    let list =
        "format_version = 1\n[datasets.mine]\narchive = \"mine.tar\"\narchive_root = \"set\"\nimages = \"images\"\n";
    fs::write(scratch.path("volume/datasets.toml"), list).unwrap();
    scratch
}

#[test]
fn a_dataset_is_listed_fetched_and_verified() {
    let scratch = with_dataset();
    let listed = scratch.dodge(&["datasets", "list"]).succeeded();
    assert!(listed.stdout.contains("div2k_valid_hr") && listed.stdout.contains("mine "), "{listed}");
    let missing = scratch.dodge(&["datasets", "verify", "mine"]);
    let advice = "is not in volume/datasets/mine; `dodge datasets fetch mine` puts it there";
    assert!(missing.failed(1).contains(advice), "{missing}");
    let fetched = scratch.dodge(&["datasets", "fetch", "mine", "--json"]).succeeded().json();
    assert_eq!(
        (&fetched["files"], &fetched["verified"], &fetched["fetched_now"]),
        (&6.into(), &false.into(), &true.into())
    );
    assert_eq!(fetched["images"], "volume/datasets/mine/images");
    let verified = scratch.dodge(&["datasets", "verify", "mine"]).succeeded();
    assert!(verified.stdout.contains(fetched["content_hash"].as_str().unwrap()), "{verified}");
    let listed = scratch.dodge(&["datasets", "list", "--json"]).succeeded().json();
    let here = listed["datasets"].as_array().unwrap().iter().find(|entry| entry["id"] == "mine").unwrap();
    assert_eq!(here["here"], true);
}

#[test]
fn mistakes_are_wrong_usage() {
    let scratch = with_dataset();
    let unknown = scratch.dodge(&["datasets", "fetch", "div2k_valid"]);
    assert!(unknown.failed(2).contains("did you mean `div2k_valid_hr`?"), "{unknown}");
    fs::write(scratch.path("wrong.toml"), "format_version = 1\n[datasets.a]\nurll = \"x\"\n").unwrap();
    let wrong = scratch.dodge(&["datasets", "list", "--registry=wrong.toml"]);
    assert!(wrong.failed(2).contains("wrong.toml:3: unknown key `urll`"), "{wrong}");
    let mut command = scratch.command(&["datasets", "list"]);
    command.env("DODGE_DATASETS", "wrong.toml");
    assert!(scratch.finish(command).failed(2).contains("wrong.toml:3"));
    let kaggle = scratch.dodge(&["datasets", "fetch", "lhq_landscapes"]);
    assert!(kaggle.failed(1).contains("KAGGLE_USERNAME"), "{kaggle}");
}

#[test]
fn training_on_a_dataset_by_name_fetches_it() {
    let scratch = with_dataset();
    let small =
        ["train", "--dataset=mine", "--steps=64", "--threads=1", "--tracking-uri=off", "--set=resize.max_size=64"];
    let set = ["--set=ppo.environments=8", "--set=ppo.rollout_steps=8", "--set=ppo.minibatch_size=64", "--json"];
    let report = scratch.dodge(&[&small[..], &set].concat()).succeeded().json();
    assert!(report["steps"].as_u64().unwrap() >= 64, "{report}");
    assert!(scratch.path("volume/datasets/mine/images").is_dir());
}
