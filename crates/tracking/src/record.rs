//! What a spool holds: one record per logging call, in a compact binary form.
//!
//! Integers are little-endian; a string is its length in bytes (u32) and its UTF-8 bytes; a list
//! is its length (u32) and its items. JSON would not do: it has no NaN, and reading a float back
//! must give the same bits. Rare kinds of records ([`Extra`]) hold no floats and are JSON inside.

use crate::entity::Extra;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It did what it was started for.
    Finished,
    /// It stopped with an error.
    Failed,
    /// It was interrupted, by a person or by the death of its process.
    Killed,
}

impl Status {
    /// The word that MLflow uses: `FINISHED`, `FAILED` or `KILLED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }
}

/// The tag by which a run is found again whose creation we saw no reply to.
pub(crate) const CLIENT_RUN_ID: &str = "dodge.client_run_id";

/// The identity of a run, as it stands in the first record of its spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    /// 32 hexadecimal digits, minted here; the run's id in the local store.
    pub(crate) run_id: String,
    /// `local` or the address of the server.
    pub(crate) destination: String,
    /// The name of the experiment.
    pub(crate) experiment: String,
    /// The id of the experiment in the local store; empty for a server.
    pub(crate) experiment_id: String,
    pub(crate) run_name: String,
    pub(crate) user: String,
    /// Milliseconds since the epoch.
    pub(crate) start_time: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record {
    Start(Start),
    Metrics {
        timestamp: i64,
        step: i64,
        values: Vec<(String, f64)>,
    },
    Params(Vec<(String, String)>),
    Tags(Vec<(String, String)>),
    /// A file of the run.
    Artifact(Artifact),
    End {
        status: Status,
        end_time: i64,
    },
    /// The run goes on after an end.
    Resume,
    Extra(Box<Extra>),
}

/// A file of a run or of a logged model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Artifact {
    /// Its path in the run.
    pub(crate) path: String,
    /// The name of our copy in the spool's `files/`; empty: it was put into the store when it was logged.
    pub(crate) file: String,
    /// Our key of the logged model that it belongs to; empty: the run itself.
    pub(crate) model: String,
    /// What is in it; `None` in spools of older versions.
    pub(crate) content: Option<Fingerprint>,
}

/// Length and CRC-32 of a file: enough to notice that it did not arrive as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) len: u64,
    pub(crate) crc: u32,
}

impl Fingerprint {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { len: bytes.len() as u64, crc: crc32fast::hash(bytes) }
    }
}

/// A payload that is not a record of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

impl Record {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Start(start) => {
                out.push(1);
                for text in [
                    &start.run_id,
                    &start.destination,
                    &start.experiment,
                    &start.experiment_id,
                    &start.run_name,
                    &start.user,
                ] {
                    put_str(out, text);
                }
                out.extend(start.start_time.to_le_bytes());
            }
            Self::Metrics { timestamp, step, values } => {
                encode_metrics(out, *timestamp, *step, values.iter().map(|(key, value)| (key.as_str(), *value)));
            }
            Self::Params(pairs) => put_pairs(out, 3, pairs),
            Self::Tags(pairs) => put_pairs(out, 4, pairs),
            Self::Artifact(artifact) => {
                out.push(if artifact.content.is_some() { 8 } else { 5 });
                put_str(out, &artifact.path);
                put_str(out, &artifact.file);
                if let Some(content) = artifact.content {
                    put_str(out, &artifact.model);
                    out.extend(content.len.to_le_bytes());
                    out.extend(content.crc.to_le_bytes());
                }
            }
            Self::End { status, end_time } => {
                out.push(6);
                out.push(match status {
                    Status::Finished => 0,
                    Status::Failed => 1,
                    Status::Killed => 2,
                });
                out.extend(end_time.to_le_bytes());
            }
            Self::Resume => out.push(7),
            Self::Extra(extra) => {
                out.push(9);
                // Plain data, which JSON always takes.
                out.extend(serde_json::to_vec(extra).unwrap_or_default());
            }
        }
    }

    /// Reads one record; never allocates more than the payload is long.
    pub(crate) fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        let mut input = Input(payload);
        let record = match input.u8()? {
            1 => Self::Start(Start {
                run_id: input.string()?,
                destination: input.string()?,
                experiment: input.string()?,
                experiment_id: input.string()?,
                run_name: input.string()?,
                user: input.string()?,
                start_time: input.i64()?,
            }),
            2 => {
                let timestamp = input.i64()?;
                let step = input.i64()?;
                let values = input.list(|input| {
                    let key = input.string()?;
                    Ok((key, f64::from_bits(input.i64()?.cast_unsigned())))
                })?;
                Self::Metrics { timestamp, step, values }
            }
            3 => Self::Params(input.list(|input| Ok((input.string()?, input.string()?)))?),
            4 => Self::Tags(input.list(|input| Ok((input.string()?, input.string()?)))?),
            5 => Self::Artifact(Artifact {
                path: input.string()?,
                file: input.string()?,
                model: String::new(),
                content: None,
            }),
            6 => Self::End {
                status: match input.u8()? {
                    0 => Status::Finished,
                    1 => Status::Failed,
                    2 => Status::Killed,
                    _ => return Err(Malformed),
                },
                end_time: input.i64()?,
            },
            7 => Self::Resume,
            8 => Self::Artifact(Artifact {
                path: input.string()?,
                file: input.string()?,
                model: input.string()?,
                content: Some(Fingerprint {
                    len: u64::from_le_bytes(input.array()?),
                    crc: u32::from_le_bytes(input.array()?),
                }),
            }),
            9 => {
                let extra = serde_json::from_slice(std::mem::take(&mut input.0)).map_err(|_| Malformed)?;
                Self::Extra(Box::new(extra))
            }
            _ => return Err(Malformed),
        };
        if input.0.is_empty() { Ok(record) } else { Err(Malformed) }
    }
}

/// Encodes a [`Record::Metrics`] of borrowed keys: of all calls, the one that is made most.
pub(crate) fn encode_metrics<'a>(
    out: &mut Vec<u8>,
    timestamp: i64,
    step: i64,
    values: impl ExactSizeIterator<Item = (&'a str, f64)>,
) {
    out.push(2);
    out.extend(timestamp.to_le_bytes());
    out.extend(step.to_le_bytes());
    put_len(out, values.len());
    for (key, value) in values {
        put_str(out, key);
        out.extend(value.to_bits().to_le_bytes());
    }
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    // Callers keep records below the frame limit of the spool, far from 4 GiB.
    out.extend(u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_str(out: &mut Vec<u8>, text: &str) {
    put_len(out, text.len());
    out.extend(text.as_bytes());
}

fn put_pairs(out: &mut Vec<u8>, kind: u8, pairs: &[(String, String)]) {
    out.push(kind);
    put_len(out, pairs.len());
    for (key, value) in pairs {
        put_str(out, key);
        put_str(out, value);
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    fn len(&mut self) -> Result<usize, Malformed> {
        usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| Malformed)
    }

    fn i64(&mut self) -> Result<i64, Malformed> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    fn string(&mut self) -> Result<String, Malformed> {
        let len = self.len()?;
        let text = std::str::from_utf8(self.take(len)?).map_err(|_| Malformed)?;
        Ok(text.to_owned())
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
        let len = self.len()?;
        // No `with_capacity`: a hostile length must cost no more than the bytes that are there.
        let mut items = Vec::new();
        for _ in 0..len {
            items.push(item(self)?);
        }
        Ok(items)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn any_record() -> impl Strategy<Value = Record> {
        let pairs = || proptest::collection::vec((".{0,12}", ".{0,40}"), 0..5);
        prop_oneof![
            (".{0,9}", ".{0,9}", any::<i64>()).prop_map(|(a, b, start_time)| {
                Record::Start(Start {
                    run_id: a.clone(),
                    destination: b.clone(),
                    experiment: a.clone(),
                    experiment_id: b.clone(),
                    run_name: a,
                    user: b,
                    start_time,
                })
            }),
            (any::<i64>(), any::<i64>(), proptest::collection::vec((".{0,12}", any::<f64>()), 0..6))
                .prop_map(|(timestamp, step, values)| Record::Metrics { timestamp, step, values }),
            pairs().prop_map(Record::Params),
            pairs().prop_map(Record::Tags),
            (".{0,12}", ".{0,12}", proptest::option::of(any::<(u64, u32)>())).prop_map(|(path, file, content)| {
                let model = if content.is_some() { file.clone() } else { String::new() };
                let content = content.map(|(len, crc)| Fingerprint { len, crc });
                Record::Artifact(Artifact { path, file, model, content })
            }),
            Just(Record::Resume),
            (".{0,12}", ".{0,12}").prop_map(|(name, digest)| {
                Record::Extra(Box::new(Extra::Dataset(crate::DatasetInput::new(name, digest, "local", "{}"))))
            }),
            any::<i64>().prop_map(|end_time| Record::End { status: Status::Killed, end_time }),
        ]
    }

    /// The bytes of a record, which compare equal for NaN as well.
    pub(crate) fn bytes(record: &Record) -> Vec<u8> {
        let mut out = Vec::new();
        record.encode(&mut out);
        out
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_bit_for_bit(record in any_record()) {
            let encoded = bytes(&record);
            let decoded = Record::decode(&encoded).unwrap();
            prop_assert_eq!(bytes(&decoded), encoded);
        }

        #[test]
        fn a_cut_record_is_refused(record in any_record(), cut in 1_usize..20) {
            let encoded = bytes(&record);
            let shorter = encoded.len().saturating_sub(cut);
            prop_assert!(Record::decode(&encoded[..shorter]).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Record::decode(&payload);
        }
    }

    #[test]
    fn special_floats_keep_their_bits() {
        let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.1, f64::MIN_POSITIVE];
        let record =
            Record::Metrics { timestamp: 1, step: -1, values: values.iter().map(|v| ("k".to_owned(), *v)).collect() };
        let Ok(Record::Metrics { values: read, .. }) = Record::decode(&bytes(&record)) else {
            panic!("a metrics record");
        };
        for (expected, (_, got)) in values.iter().zip(read) {
            assert_eq!(expected.to_bits(), got.to_bits());
        }
    }

    #[test]
    fn a_list_that_claims_four_billion_items_is_refused_at_once() {
        let mut payload = vec![3];
        payload.extend(u32::MAX.to_le_bytes());
        assert_eq!(Record::decode(&payload), Err(Malformed));
    }
}
