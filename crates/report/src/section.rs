//! The parts of a page, from top to bottom. Each is none where a record has nothing for it.

pub(crate) mod baselines;
pub(crate) mod boldness;
pub(crate) mod edits;
pub(crate) mod head;
pub(crate) mod learning;
pub(crate) mod photos;
pub(crate) mod settings;
pub(crate) mod spread;
pub(crate) mod timeline;

/// A part of a page.
#[derive(Debug)]
pub(crate) struct Section {
    /// Where links within the page lead.
    pub(crate) anchor: &'static str,
    /// What it is about.
    pub(crate) title: &'static str,
    /// What it says.
    pub(crate) html: String,
}

/// What the photos of a run are called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    /// As the agent gets them.
    pub(crate) before: &'static str,
    /// What it makes of them.
    pub(crate) agent: &'static str,
    /// What it is to come near to.
    pub(crate) goal: &'static str,
    /// The tests in which something can be gained, as a noun.
    pub(crate) gained_on: &'static str,
}

impl Names {
    /// For photos that were damaged, or for pairs.
    pub(crate) fn of(is_of_pairs: bool) -> Self {
        if is_of_pairs {
            Self { before: "before", agent: "agent", goal: "edited by hand", gained_on: "pairs that were edited" }
        } else {
            Self { before: "damaged", agent: "agent", goal: "original", gained_on: "damaged photos" }
        }
    }
}
