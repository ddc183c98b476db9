//! `dodge datasets`, and training on a dataset by name.

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::time::Duration;

use dodge_tests::Scratch;
#[cfg(unix)]
use dodge_tests::{MlflowServer, Running, get, wait_for};

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

/// A list, a configuration and a recipe as an editor for Windows saves them: a mark in front, and its own ends of lines.
#[test]
fn text_files_from_windows_are_read() {
    let scratch = with_dataset();
    let from_windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let list = fs::read_to_string(scratch.path("volume/datasets.toml")).unwrap();
    fs::write(scratch.path("volume/datasets.toml"), from_windows(&list)).unwrap();
    assert!(scratch.dodge(&["datasets", "list"]).succeeded().stdout.contains("mine "));
    fs::write(scratch.path("a.toml"), from_windows("[ppo]\ndiscount = 0.5\n")).unwrap();
    fs::write(scratch.path("b.toml"), "[ppo]\ndiscount = 0.6\n").unwrap();
    let differences = scratch.dodge(&["params", "diff", "a.toml", "b.toml"]).succeeded();
    assert!(differences.stdout.contains("ppo.discount") && differences.stdout.contains("0.6"), "{differences}");
    drop(scratch.dodge(&["params", "list", "--config=a.toml"]).succeeded());
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

/// A short training on the dataset.
const SMALL: [&str; 13] = [
    "train",
    "--set=degrade.train_ratio=0.6",
    "--set=degrade.validation_ratio=0.2",
    "--algo=ppo",
    "--dataset=mine",
    "--steps=64",
    "--threads=1",
    "--tracking-uri=off",
    "--set=resize.max_size=64",
    "--set=ppo.environments=8",
    "--set=ppo.rollout_steps=8",
    "--set=ppo.minibatch_size=64",
    "--json",
];

#[test]
fn training_on_a_dataset_by_name_fetches_it() {
    let scratch = with_dataset();
    let report = scratch.dodge(&SMALL).succeeded().json();
    assert!(report["steps"].as_u64().unwrap() >= 64, "{report}");
    assert!(scratch.path("volume/datasets/mine/images").is_dir());
}

#[cfg(unix)]
#[test]
fn a_service_fetches_for_the_training_and_stops_in_good_order() {
    let scratch = with_dataset();
    let address = format!("127.0.0.1:{}", MlflowServer::free_port());
    let url = format!("http://{address}");
    let mut serve = scratch.command(&["serve", "acquisition", "--address", &address]);
    serve.env("DODGE_ACQUISITION_TOKEN", "secret");
    let mut service = Running::start(serve, scratch.folder());
    wait_for("the service", Duration::from_secs(20), || get(port(&address), "/health").ok());
    service.assert_alive();

    let train = |token: &str| {
        let mut command = scratch.command(&SMALL);
        command.env("IMAGE_ACQUISITION_SERVICE_URL", &url).env("DODGE_ACQUISITION_TOKEN", token);
        scratch.finish(command)
    };
    assert!(train("wrong").failed(1).contains("wants another token: set DODGE_ACQUISITION_TOKEN"));
    assert!(!scratch.path("volume/datasets/mine").exists(), "the training fetches nothing itself");
    let report = train("secret").succeeded().json();
    assert!(report["steps"].as_u64().unwrap() >= 64, "{report}");
    assert!(scratch.path("volume/datasets/mine/images").is_dir());

    service.signal("TERM");
    let finished = service.wait(Duration::from_secs(20)).succeeded();
    assert!(finished.stdout.contains(&format!("serving volume on {url}")), "{finished}");
}

#[cfg(unix)]
fn port(address: &str) -> u16 {
    address.rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn a_service_that_others_can_reach_asks_for_a_secret() {
    let scratch = Scratch::new();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let message = scratch.dodge(&["serve", "acquisition", "--address", address]).failed(2);
        assert!(message.contains("set DODGE_ACQUISITION_TOKEN to a secret"), "{message}");
    }
}
