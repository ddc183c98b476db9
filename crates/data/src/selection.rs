//! Which files of an archive belong to a dataset, and where they go.

/// What is taken from an archive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    archive_root: Vec<String>,
    numbers: Numbers,
}

/// Files by the number in their name: in the archive of the LHQ landscapes, photos of one kind are named
/// `00000012_(3).jpg`, with the number of the kind in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Numbers {
    /// All files, in their folders.
    #[default]
    All,
    /// Pictures with this number, without their folders.
    With(u32),
    /// Pictures without any number, without their folders.
    Without,
}

/// Extensions of the files that a choice by number takes.
const PICTURES: [&str; 5] = ["jpg", "jpeg", "png", "bmp", "tiff"];

impl Selection {
    /// The files below the folder `archive_root` of the archive (`/` between folders; nothing or `.` for all), of which
    /// `numbers` chooses.
    #[must_use]
    pub fn new(archive_root: &str, numbers: Numbers) -> Self {
        let parts = archive_root.split('/').filter(|part| !part.is_empty() && *part != ".");
        Self { archive_root: parts.map(str::to_owned).collect(), numbers }
    }

    /// Where the file with these folders and name goes; nothing if it is not taken.
    pub(crate) fn place<'a, 'b>(&self, parts: &'a [&'b str]) -> Option<&'a [&'b str]> {
        let depth = self.archive_root.len();
        let is_inside = parts.len() > depth && self.archive_root.iter().zip(parts).all(|(root, part)| root == part);
        let inside = is_inside.then(|| &parts[depth..])?;
        let name = inside.last()?;
        let chosen = match self.numbers {
            Numbers::All => return Some(inside),
            Numbers::With(number) => name.contains(&format!("_({number}).")),
            Numbers::Without => !has_number(name),
        };
        let is_picture = name
            .rsplit_once('.')
            .is_some_and(|(_, extension)| PICTURES.iter().any(|picture| picture.eq_ignore_ascii_case(extension)));
        (chosen && is_picture).then(|| &inside[inside.len() - 1..])
    }

    /// What is in front of the names in the archive and not in the dataset, with a `/` at the end.
    pub(crate) fn prefix(&self) -> String {
        self.archive_root.iter().map(|part| format!("{part}/")).collect()
    }
}

/// Whether the name holds `_(`, digits and `)`.
fn has_number(name: &str) -> bool {
    name.match_indices("_(").any(|(index, opening)| {
        let digits = name[index + opening.len()..].split_once(')').map_or("", |(digits, _)| digits);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(root: &str, numbers: Numbers, name: &str, expected: Option<&str>) {
        let selection = Selection::new(root, numbers);
        let parts: Vec<&str> = name.split('/').collect();
        assert_eq!(selection.place(&parts).map(|parts| parts.join("/")).as_deref(), expected, "{name}");
    }

    #[test]
    fn the_archive_root_is_a_whole_folder_and_leaves_the_path() {
        check("", Numbers::All, "a/b.jpg", Some("a/b.jpg"));
        check(".", Numbers::All, "a/b.jpg", Some("a/b.jpg"));
        check("./a/", Numbers::All, "a/b/c.jpg", Some("b/c.jpg"));
        check("a", Numbers::All, "ab/c.jpg", None);
        check("a/b", Numbers::All, "a/c.jpg", None);
        check("a", Numbers::All, "a", None);
    }

    #[test]
    fn kinds_are_told_by_the_number_in_brackets() {
        check("", Numbers::With(3), "x/1_(3).jpg", Some("1_(3).jpg"));
        check("", Numbers::With(3), "x/1_(3).PNG", Some("1_(3).PNG"));
        check("", Numbers::With(3), "1_(33).jpg", None);
        check("", Numbers::With(3), "1_(3).txt", None);
        check("", Numbers::With(3), "1.jpg", None);
        check("", Numbers::Without, "1.jpg", Some("1.jpg"));
        check("", Numbers::Without, "1_(x).jpg", Some("1_(x).jpg"));
        check("", Numbers::Without, "1_(2).jpg", None);
    }
}
