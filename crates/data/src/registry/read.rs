//! Reading lists of datasets: TOML in, entries or everything that is wrong out.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use dodge_hparams::closest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Entry, Source};
use crate::{Error, Numbers, Selection};

/// The version of the format that is read.
const FORMAT: &str = "1";

/// The keys beside the datasets.
const TOP: [&str; 2] = ["format_version", "datasets"];

/// The keys of a dataset.
const KEYS: [&str; 13] = [
    "description",
    "licence",
    "url",
    "archive",
    "folder",
    "kaggle",
    "archive_root",
    "images",
    "category",
    "categories",
    "directory_hash",
    "content_hash",
    "archive_sha256",
];

/// Those of them that say where it comes from; a dataset has exactly one.
const SOURCES: [&str; 4] = ["url", "archive", "folder", "kaggle"];

/// What a category without a number in brackets is mapped to.
const NO_NUMBER: &str = "none";

/// More mistakes than this are not told: a reader has enough to do.
const MOST_PROBLEMS: usize = 20;

/// Longest id: with what is added to it, a file name of every system.
const MAX_ID: usize = 100;

/// A list and where it comes from.
pub(super) struct Document<'a> {
    pub(super) text: &'a str,
    /// What it is called in messages.
    pub(super) name: &'a str,
    /// Where its relative paths start.
    pub(super) folder: &'a Path,
}

/// The entries of all documents, later ones merged over earlier ones key by key.
pub(super) fn entries(documents: &[Document<'_>]) -> Result<BTreeMap<String, Entry>, Error> {
    let mut problems = Problems::default();
    let mut drafts = BTreeMap::new();
    for document in documents {
        read_document(document, &mut drafts, &mut problems);
    }
    let mut entries = BTreeMap::new();
    for (id, draft) in drafts {
        if let Some(entry) = draft.finish(&id, &mut problems) {
            entries.insert(id, entry);
        }
    }
    if problems.0.is_empty() { Ok(entries) } else { Err(Error::Registry { problems: problems.0 }) }
}

#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, place: &str, problem: impl std::fmt::Display) {
        if self.0.len() < MOST_PROBLEMS {
            self.0.push(format!("{place}: {problem}"));
        }
    }
}

/// A value with the place where it is written.
#[derive(Debug, Clone)]
struct Written {
    value: String,
    place: String,
    folder: PathBuf,
}

/// What the documents say of a dataset so far.
#[derive(Debug, Clone, Default)]
struct Draft {
    values: BTreeMap<&'static str, Written>,
    categories: BTreeMap<String, Numbers>,
    defined_in: String,
    place: String,
}

fn read_document(document: &Document<'_>, drafts: &mut BTreeMap<String, Draft>, problems: &mut Problems) {
    let place = |span: std::ops::Range<usize>| {
        let before = document.text.get(..span.start).unwrap_or(document.text);
        format!("{}:{}", document.name, before.matches('\n').count() + 1)
    };
    let table = match DeTable::parse(document.text) {
        Ok(table) => table,
        Err(error) => {
            let span = error.span().unwrap_or(document.text.len()..document.text.len());
            return problems.add(&place(span), error.message().replace('\n', ", "));
        }
    };
    let mut versioned = false;
    for (key, value) in table.get_ref() {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("format_version", DeValue::Integer(version)) if version.as_str() == FORMAT => versioned = true,
            ("format_version", _) => {
                versioned = true;
                problems
                    .add(&place(value.span()), format!("`format_version` must be {FORMAT} for this version of dodge"));
            }
            ("datasets", DeValue::Table(datasets)) => {
                for (id, dataset) in datasets {
                    let at = place(id.span());
                    let id = id.get_ref().as_ref();
                    if let Some(problem) = check_id(id) {
                        problems.add(&at, problem);
                        continue;
                    }
                    let DeValue::Table(keys) = dataset.get_ref() else {
                        problems.add(&at, format!("`{id}` must be a table, [datasets.{id}]"));
                        continue;
                    };
                    let draft = drafts.entry(id.to_owned()).or_default();
                    draft.defined_in = document.name.to_owned();
                    draft.place = at;
                    read_dataset(document, id, keys, &place, draft, problems);
                }
            }
            ("datasets", _) => problems.add(&place(key.span()), "`datasets` must hold tables, [datasets.ID]"),
            (other, _) => problems.add(&place(key.span()), unknown(other, "", &TOP)),
        }
    }
    if !versioned {
        problems.add(&format!("{}:1", document.name), format!("begin the file with `format_version = {FORMAT}`"));
    }
}

fn read_dataset(
    document: &Document<'_>,
    id: &str,
    keys: &DeTable<'_>,
    place: &impl Fn(std::ops::Range<usize>) -> String,
    draft: &mut Draft,
    problems: &mut Problems,
) {
    let mut sources = Vec::new();
    for (key, value) in keys {
        let at = place(key.span());
        let written = key.get_ref().as_ref();
        let Some(known) = KEYS.into_iter().find(|known| *known == written) else {
            problems.add(&at, unknown(written, &format!(" of dataset `{id}`"), &KEYS));
            continue;
        };
        match value.get_ref() {
            DeValue::Table(table) if known == "categories" => read_categories(id, table, place, draft, problems),
            _ if known == "categories" => {
                problems.add(&at, format!("`categories` of dataset `{id}` must be a table of names and numbers"));
            }
            DeValue::String(text) => {
                let value = text.to_string();
                if SOURCES.contains(&known) {
                    sources.push(known);
                }
                let written = Written { value, place: at, folder: document.folder.to_owned() };
                draft.values.insert(known, written);
            }
            _ => problems.add(&at, format!("`{known}` of dataset `{id}` must be text in quotes")),
        }
    }
    if let [one, another, ..] = sources[..] {
        problems.add(&draft.place, format!("dataset `{id}` has two sources, `{one}` and `{another}`: keep one"));
    }
    // A source takes the place of that of an earlier file, of whatever kind.
    if let [source] = sources[..] {
        for other in SOURCES.into_iter().filter(|other| *other != source) {
            draft.values.remove(other);
        }
    }
}

fn read_categories(
    id: &str,
    table: &DeTable<'_>,
    place: &impl Fn(std::ops::Range<usize>) -> String,
    draft: &mut Draft,
    problems: &mut Problems,
) {
    for (name, value) in table {
        let numbers = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok().map(Numbers::With),
            DeValue::String(text) if text.as_ref() == NO_NUMBER => Some(Numbers::Without),
            _ => None,
        };
        match numbers {
            Some(numbers) => drop(draft.categories.insert(name.get_ref().to_string(), numbers)),
            None => {
                let name = name.get_ref();
                let problem = format!(
                    "category `{name}` of dataset `{id}` must be the number in brackets, or \"{NO_NUMBER}\" for names \
                     without one"
                );
                problems.add(&place(span_of(value)), problem);
            }
        }
    }
}

fn span_of(value: &Spanned<DeValue<'_>>) -> std::ops::Range<usize> {
    value.span()
}

impl Draft {
    /// The entry, if nothing is wrong with it.
    fn finish(mut self, id: &str, problems: &mut Problems) -> Option<Entry> {
        let before = problems.0.len();
        let source = self.source(id, problems);
        let numbers = self.numbers(id, problems);
        let images = self.take("images");
        let entry = Entry {
            id: id.to_owned(),
            description: self.text("description"),
            licence: self.text("licence"),
            source: source?,
            selection: Selection::new(&self.text("archive_root"), numbers),
            directory_hash: self.parsed("directory_hash", id, problems),
            content_hash: self.parsed("content_hash", id, problems),
            archive_sha256: self.parsed("archive_sha256", id, problems),
            images: images.as_ref().map(|images| PathBuf::from(&images.value)).unwrap_or_default(),
            defined_in: self.defined_in,
        };
        if let (Some(images), Some(problem)) = (images, check_images(&entry.images)) {
            problems.add(&images.place, format!("dataset `{id}`: {problem}"));
        }
        (problems.0.len() == before).then_some(entry)
    }

    fn take(&mut self, key: &str) -> Option<Written> {
        self.values.remove(key)
    }

    fn text(&mut self, key: &str) -> String {
        self.take(key).map(|written| written.value).unwrap_or_default()
    }

    fn parsed<T: FromStr<Err = Error>>(&mut self, key: &str, id: &str, problems: &mut Problems) -> Option<T> {
        let Written { value, place, .. } = self.take(key)?;
        value.parse().map_err(|error| problems.add(&place, format!("`{key}` of dataset `{id}`: {error}"))).ok()
    }

    fn source(&mut self, id: &str, problems: &mut Problems) -> Option<Source> {
        let found = SOURCES.into_iter().find_map(|key| Some((key, self.take(key)?)));
        let Some((key, Written { value, place, folder })) = found else {
            let problem = format!(
                "dataset `{id}` has no source: set one of {}",
                SOURCES.map(|key| format!("`{key}`")).join(", ")
            );
            problems.add(&self.place, problem);
            return None;
        };
        let bad = |expected: &str| Err(format!("`{key}` of dataset `{id}` is `{value}`: expected {expected}"));
        let source = match key {
            "url" => match reqwest::Url::parse(&value) {
                Ok(url) if ["http", "https"].contains(&url.scheme()) && url.has_host() => Ok(Source::Url(value)),
                _ => bad("an address that begins with http:// or https://"),
            },
            "kaggle" if is_kaggle_name(&value) => Ok(Source::Kaggle(value)),
            "kaggle" => bad("owner/name, as in the address of the dataset's page"),
            _ if value.trim().is_empty() => bad("a path"),
            "archive" => Ok(Source::Archive(folder.join(value))),
            _ => Ok(Source::Folder(folder.join(value))),
        };
        source.map_err(|problem: String| problems.add(&place, problem)).ok()
    }

    fn numbers(&mut self, id: &str, problems: &mut Problems) -> Numbers {
        let Some(Written { value, place, .. }) = self.take("category") else { return Numbers::All };
        if let Some(numbers) = self.categories.get(&value) {
            return *numbers;
        }
        let known: Vec<&str> = self.categories.keys().map(String::as_str).collect();
        let advice = if known.is_empty() {
            format!("list it in [datasets.{id}.categories]")
        } else {
            format!("expected one of {}", known.join(", "))
        };
        problems.add(&place, format!("dataset `{id}` has no category `{value}`: {advice}"));
        Numbers::All
    }
}

fn unknown(key: &str, of: &str, known: &[&str]) -> String {
    let key: String = key.chars().take(60).collect();
    match closest(&key, known.iter().copied()) {
        Some(meant) => format!("unknown key `{key}`{of}: did you mean `{meant}`?"),
        None => format!("unknown key `{key}`{of}: expected one of {}", known.join(", ")),
    }
}

fn is_kaggle_name(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    text.split_once('/').is_some_and(|(owner, name)| is_word(owner) && is_word(name))
}

/// What keeps a text from being an id: it is the name of a folder, beside those of the synthetic photos.
pub(super) fn check_id(id: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let shown: String = id.chars().take(MAX_ID).collect();
    if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(allowed) || id.starts_with('.') || id.ends_with('.') {
        let accepted = "letters, digits, `-`, `_` and `.`, with no `.` at either end";
        return Some(format!("`{shown}` is no id of a dataset: use 1 to {MAX_ID} {accepted}"));
    }
    id.starts_with("synthetic-").then(|| format!("`{shown}`: ids that begin with `synthetic-` are taken"))
}

/// What keeps a path from being a folder inside the dataset's.
pub(super) fn check_images(images: &Path) -> Option<String> {
    let inside = images.components().all(|part| matches!(part, Component::Normal(_)));
    (!inside).then(|| format!("`images` is `{}`: expected a folder inside that of the dataset", images.display()))
}
