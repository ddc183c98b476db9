//! What operations take that is no number: ratios, channels, directions. Each has a word that is read back.

/// A side ratio, width to height, each from 1 to 100. Written `16x9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    width: u8,
    height: u8,
}

impl Ratio {
    /// The ratio `width` to `height`; none when one is 0 or above 100.
    #[must_use]
    pub fn new(width: u8, height: u8) -> Option<Self> {
        let valid = 1..=100;
        (valid.contains(&width) && valid.contains(&height)).then_some(Self { width, height })
    }

    /// The share of the width.
    #[must_use]
    pub fn width(self) -> u8 {
        self.width
    }

    /// The share of the height.
    #[must_use]
    pub fn height(self) -> u8 {
        self.height
    }

    /// The ratio, upright for photos that are taller than wide, lying for all others.
    pub(crate) fn turned_for(self, width: u32, height: u32) -> Self {
        let (short, long) = (self.width.min(self.height), self.width.max(self.height));
        if height > width { Self { width: short, height: long } } else { Self { width: long, height: short } }
    }

    pub(crate) fn word(self) -> String {
        format!("{}x{}", self.width, self.height)
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let (width, height) = word.split_once('x')?;
        Self::new(width.parse().ok()?, height.parse().ok()?)
    }
}

const LETTERS: [char; 3] = ['r', 'g', 'b'];

/// A reordering of the three channels. Written as what red, green and blue become: `grb` swaps red and green.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelOrder([u8; 3]);

impl ChannelOrder {
    /// The order that changes nothing.
    pub const SAME: Self = Self([0, 1, 2]);

    /// Red becomes channel `sources[0]` and so on, 0 being red, 1 green, 2 blue; none unless each occurs once.
    #[must_use]
    pub fn new(sources: [u8; 3]) -> Option<Self> {
        let mut sorted = sources;
        sorted.sort_unstable();
        (sorted == [0, 1, 2]).then_some(Self(sources))
    }

    /// Which channel each one becomes.
    #[must_use]
    pub fn sources(self) -> [usize; 3] {
        self.0.map(usize::from)
    }

    /// This reordering and then `next`.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self(next.sources().map(|source| self.0[source]))
    }

    pub(crate) fn word(self) -> String {
        self.sources().map(|source| LETTERS[source]).iter().collect()
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let sources: Vec<u8> = word.chars().map(position).collect::<Option<_>>()?;
        Self::new(sources.try_into().ok()?)
    }
}

fn position(letter: char) -> Option<u8> {
    LETTERS.iter().position(|known| *known == letter).map(|position| position as u8)
}

/// At least one of the three channels. Written by their letters, `rgb` or `gb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelSet([bool; 3]);

impl ChannelSet {
    /// Red, green and blue.
    pub const ALL: Self = Self([true; 3]);

    /// The channels that are true among red, green and blue; none when none is.
    #[must_use]
    pub fn new(members: [bool; 3]) -> Option<Self> {
        members.contains(&true).then_some(Self(members))
    }

    /// Whether red, green and blue belong to it.
    #[must_use]
    pub fn members(self) -> [bool; 3] {
        self.0
    }

    pub(crate) fn word(self) -> String {
        LETTERS.iter().zip(self.0).filter(|(_, member)| *member).map(|(letter, _)| letter).collect()
    }

    /// In any order, each letter at most once.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let mut members = [false; 3];
        for letter in word.chars() {
            let member = &mut members[usize::from(position(letter)?)];
            if std::mem::replace(member, true) {
                return None;
            }
        }
        Self::new(members)
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            pub(crate) fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.word() == word)
            }
        }
    };
}

words! {
    /// How three channels become one.
    Grey {
        /// 0.299 red + 0.587 green + 0.114 blue (Rec. 601).
        Luminosity = "luminosity",
        /// The mean of the three.
        Average = "average",
    }
}

words! {
    /// Along which axis a photo is mirrored.
    Axis {
        /// Left and right are exchanged.
        Horizontal = "horizontal",
        /// Top and bottom are exchanged.
        Vertical = "vertical",
    }
}

words! {
    /// Where to a photo is moved.
    Direction {
        /// Towards the left border.
        Left = "left",
        /// Towards the right border.
        Right = "right",
        /// Towards the upper border.
        Up = "up",
        /// Towards the lower border.
        Down = "down",
    }
}

impl Direction {
    /// The direction that leads back.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}
