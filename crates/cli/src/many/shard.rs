//! Which part of many photos one of several machines works on. It depends on nothing but the name of each photo.

use std::path::Path;
use std::str::FromStr;

use anyhow::Result;
use dodge_data::FileHash;

use crate::failure::usage;
use crate::input::Input;

/// Most parts: more than there are machines anywhere.
const MOST: u64 = 1_000_000;

/// What `--shard` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShardChoice {
    This(Shard),
    /// The number of this task among all tasks of a job, and how many parts there are, where it is said.
    Auto(Option<u64>),
}

/// One of several parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    /// From 0.
    index: u64,
    count: u64,
}

/// What the engine that started this program says of its place in a job: variables of Slurm and of Kubernetes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ArrayTask {
    /// `JOB_COMPLETION_INDEX`: from 0.
    pub(crate) job_completion_index: Option<u64>,
    /// `SLURM_ARRAY_TASK_ID`, and the smallest of the array: `SLURM_ARRAY_TASK_MIN`.
    pub(crate) slurm_id: Option<u64>,
    pub(crate) slurm_min: Option<u64>,
    /// `SLURM_ARRAY_TASK_STEP`: how far the numbers of the array lie apart.
    pub(crate) slurm_step: Option<u64>,
    /// `SLURM_ARRAY_TASK_COUNT`: how many tasks the array has.
    pub(crate) slurm_count: Option<u64>,
}

impl ShardChoice {
    pub(super) fn shard(self, task: &ArrayTask) -> Result<Shard> {
        let count = match self {
            Self::This(shard) => return Ok(shard),
            Self::Auto(count) => count,
        };
        let of_slurm = |id: u64| id.saturating_sub(task.slurm_min.unwrap_or(0)) / task.slurm_step.unwrap_or(1).max(1);
        let index = match (task.slurm_id.map(of_slurm), task.job_completion_index) {
            (Some(_), Some(_)) => {
                return Err(usage(
                    "--shard auto: both SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX are set: name the part as I/N",
                ));
            }
            (Some(index), None) | (None, Some(index)) => index,
            (None, None) => {
                return Err(usage(
                    "--shard auto: neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set: this is no task of an array; name the part as I/N",
                ));
            }
        };
        let Some(count) = count.or(task.slurm_count.filter(|_| task.slurm_id.is_some())) else {
            return Err(usage(
                "--shard auto: the job does not say how many parts there are: give it as auto/N, with the completions of the job",
            ));
        };
        if index >= count {
            return Err(usage(format!(
                "--shard auto: this is task {index}, counted from 0, and there are {count} parts only"
            )));
        }
        Ok(Shard { index, count })
    }
}

impl FromStr for ShardChoice {
    type Err = String;

    /// Parts may be counted from 0 or from 1: N/N is the same as 0/N.
    fn from_str(text: &str) -> Result<Self, String> {
        const SHAPE: &str = "give it as I/N with numbers, such as 3/8, as auto, or as auto/N";
        let count = |text: &str| match text.parse() {
            Ok(count @ 1..=MOST) => Ok(count),
            _ => Err(format!("there are from 1 to {MOST} parts: {SHAPE}")),
        };
        match text.split_once('/') {
            None if text == "auto" => Ok(Self::Auto(None)),
            None => Err(SHAPE.to_owned()),
            Some(("auto", all)) => Ok(Self::Auto(Some(count(all)?))),
            Some((part, all)) => {
                let (part, count): (u64, u64) = (part.parse().map_err(|_| SHAPE.to_owned())?, count(all)?);
                if part > count {
                    return Err(format!("there is no part {part} of {count}"));
                }
                Ok(Self::This(Shard { index: part % count, count }))
            }
        }
    }
}

impl Shard {
    /// Whether a photo is in this part: by the hash of its name and of the folders that it lies in below the one that was named, so that it
    /// is the same on every machine, wherever that sees the folder.
    pub(crate) fn has(self, photo: &Input) -> bool {
        let name = photo.below.join(photo.path.file_name().unwrap_or_default());
        number(&name) % self.count == self.index
    }
}

/// The first 64 bits of the SHA-256 of a path, with `/` between its parts.
fn number(path: &Path) -> u64 {
    let parts: Vec<&[u8]> = path.iter().map(|part| part.as_encoded_bytes()).collect();
    let digits = FileHash::of(&parts.join(&b'/')).to_string();
    u64::from_str_radix(&digits[..16], 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn parsed(text: &str) -> Shard {
        match text.parse() {
            Ok(ShardChoice::This(shard)) => shard,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_photo_is_in_one_part() {
        let photos: Vec<Input> = (0..2000)
            .map(|index| Input { path: PathBuf::from(format!("/x/a/{index}.jpg")), below: PathBuf::from("a") })
            .collect();
        for count in [1, 2, 7, 100] {
            let sizes: Vec<usize> = (0..count)
                .map(|part| photos.iter().filter(|photo| parsed(&format!("{part}/{count}")).has(photo)).count())
                .collect();
            assert_eq!(sizes.iter().sum::<usize>(), photos.len());
            let even = photos.len() / count;
            assert!(sizes.iter().all(|&size| size.abs_diff(even) < 20 + even / 5), "{sizes:?}");
        }
        // Wherever the folder is seen.
        let elsewhere = Input { path: PathBuf::from("b/7.jpg"), below: PathBuf::from("a") };
        assert!((0..5).all(|part| {
            let shard = parsed(&format!("{part}/5"));
            shard.has(&elsewhere) == shard.has(&photos[7])
        }));
        // Another version may not deal otherwise: half of a job would be done twice, and half not at all.
        assert_eq!(number(Path::new("a/7.jpg")), 0xdecf_1460_ea1e_c372);
    }

    #[test]
    fn parts_are_counted_from_0_or_from_1() {
        assert_eq!(parsed("8/8"), parsed("0/8"));
        assert_eq!(parsed("3/8"), Shard { index: 3, count: 8 });
        for wrong in ["9/8", "1/0", "-1/2", "1", "", "auto/", "auto/0", "a/b", "1/2/3", "1/2000000"] {
            assert!(wrong.parse::<ShardChoice>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn engines_say_which_part() {
        let auto = |text: &str, task: ArrayTask| text.parse::<ShardChoice>().unwrap().shard(&task);
        let slurm = ArrayTask {
            slurm_id: Some(14),
            slurm_min: Some(10),
            slurm_step: Some(2),
            slurm_count: Some(4),
            ..Default::default()
        };
        assert_eq!(auto("auto", slurm.clone()).unwrap(), Shard { index: 2, count: 4 });
        assert_eq!(auto("auto/3", slurm.clone()).unwrap(), Shard { index: 2, count: 3 });
        let pod = ArrayTask { job_completion_index: Some(0), ..Default::default() };
        assert_eq!(auto("auto/5", pod.clone()).unwrap(), Shard { index: 0, count: 5 });
        assert!(auto("auto", pod.clone()).unwrap_err().to_string().contains("auto/N"));
        assert!(auto("auto/2", slurm.clone()).unwrap_err().to_string().contains("2 parts only"));
        assert!(auto("auto/2", ArrayTask::default()).unwrap_err().to_string().contains("no task of an array"));
        assert!(
            auto("auto", ArrayTask { job_completion_index: Some(1), ..slurm })
                .unwrap_err()
                .to_string()
                .contains("both")
        );
        assert_eq!(auto("1/2", pod).unwrap(), parsed("1/2"));
    }
}
