//! Pixels taken apart and put together within registers, sixteen at a time.
//!
//! Processors move the bytes of a register about by one instruction, for which the compiler has no loop.

use std::array::from_fn;

use super::block::with_pixels;
use super::vectorized;
use crate::Photo;

/// Bytes of sixteen pixels: three registers.
const GROUP: usize = 48;

/// Pixels of a group, bytes of a register.
const REGISTER: usize = 16;

pub(super) type Group = [u8; GROUP];

/// A group as it is written: a processor waits long for what is read in one piece and was written in several.
pub(super) type Registers = [[u8; REGISTER]; 3];

/// From which of the 48 bytes of a group each byte comes.
pub(super) struct Shuffle {
    sources: [usize; GROUP],
    #[cfg(target_arch = "x86_64")]
    wide: Option<wide::Shuffle>,
}

impl Shuffle {
    /// `source` names the place from which a byte comes.
    ///
    /// # Panics
    /// When it names one beyond the 48.
    pub(super) fn new(source: impl Fn(usize) -> usize) -> Self {
        let sources = from_fn(source);
        assert!(sources.iter().all(|&place| place < GROUP), "bytes come from the same sixteen pixels");
        Self {
            #[cfg(target_arch = "x86_64")]
            wide: wide::Shuffle::new(&sources),
            sources,
        }
    }

    /// The bytes of two groups, each at their new places.
    #[inline(always)]
    pub(super) fn apply(&self, groups: [&Group; 2]) -> [Registers; 2] {
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = &self.wide {
            return wide.apply(groups);
        }
        groups.map(|group| from_fn(|register| from_fn(|i| group[self.sources[register * REGISTER + i]])))
    }
}

/// A weighted sum of the channels, in each of them. The weights have 15 bits behind the point.
pub(super) struct Mix {
    weights: [i16; 3],
    /// Added before the bits behind the point are cut off.
    rounding: i32,
    #[cfg(target_arch = "x86_64")]
    wide: Option<wide::Mix>,
}

/// Bits behind the point of a weight.
const POINT: i32 = 15;

impl Mix {
    pub(super) fn new(weights: [i16; 3], rounding: i32) -> Self {
        Self {
            weights,
            rounding,
            #[cfg(target_arch = "x86_64")]
            wide: wide::Mix::new(weights, rounding),
        }
    }

    /// Luma by the weights of Rec. 601, rounded. They sum to one: grey stays as it is.
    pub(super) fn luma() -> Self {
        Self::new([9798, 19235, 3735], 1 << (POINT - 1))
    }

    /// The sum for each pixel of a group.
    #[inline(always)]
    pub(super) fn values(&self, group: &Group) -> [u8; REGISTER] {
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = &self.wide {
            return wide.values(group);
        }
        from_fn(|pixel| self.of(group.as_chunks().0[pixel]))
    }

    /// The pixels of a group with three equal channels.
    #[inline(always)]
    pub(super) fn apply(&self, group: &Group) -> Registers {
        let values = self.values(group);
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = &self.wide {
            return wide.repeat(values);
        }
        from_fn(|register| from_fn(|i| values[(register * REGISTER + i) / 3]))
    }

    pub(super) fn of(&self, pixel: [u8; 3]) -> u8 {
        let weighted = (0..3).map(|channel| i32::from(self.weights[channel]) * i32::from(pixel[channel]));
        ((weighted.sum::<i32>() + self.rounding) >> POINT) as u8
    }
}

/// A new photo, two groups at a time; the last ones are filled up with zeros.
#[inline(always)]
pub(super) fn mapped_groups(photo: &Photo, work: impl Fn([&Group; 2]) -> [Registers; 2]) -> Photo {
    let (pairs, rest) = photo.pixels().as_chunks::<{ 2 * GROUP }>();
    let mut pixels = Vec::with_capacity(photo.pixels().len());
    vectorized(
        #[inline(always)]
        || {
            for pair in pairs {
                pixels.extend_from_slice(work(both(pair)).as_flattened().as_flattened());
            }
            let mut last = [0; 2 * GROUP];
            last[..rest.len()].copy_from_slice(rest);
            pixels.extend_from_slice(&work(both(&last)).as_flattened().as_flattened()[..rest.len()]);
        },
    );
    with_pixels(photo, pixels)
}

#[inline(always)]
pub(super) fn both(groups: &[u8; 2 * GROUP]) -> [&Group; 2] {
    let (groups, _) = groups.as_chunks();
    [&groups[0], &groups[1]]
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{__m128i, __m256i};
    use std::array::from_fn;

    use pulp::cast;
    use pulp::x86::V3;

    use super::{GROUP, Group, POINT, REGISTER, Registers};

    /// What the instruction takes for a zero.
    const ZERO: u8 = 0x80;

    type Places = [u8; REGISTER];

    /// For each register of the result, the places in each register of the source; in both halves, for two groups at a time.
    pub(super) struct Shuffle {
        simd: V3,
        places: [[__m256i; 3]; 3],
    }

    impl Shuffle {
        /// None where the processor lacks the instruction.
        pub(super) fn new(sources: &[usize; GROUP]) -> Option<Self> {
            let simd = V3::try_new()?;
            let place = |source: usize, register: usize| match source.checked_sub(register * REGISTER) {
                Some(place) if place < REGISTER => place as u8,
                _ => ZERO,
            };
            let places = |target: usize, register: usize| -> Places {
                from_fn(|i| place(sources[target * REGISTER + i], register))
            };
            let twice = |places: Places| cast([places; 2]);
            Some(Self { simd, places: from_fn(|target| from_fn(|register| twice(places(target, register)))) })
        }

        #[inline(always)]
        pub(super) fn apply(&self, [first, second]: [&Group; 2]) -> [Registers; 2] {
            let simd = self.simd;
            let (first, second): ([__m128i; 3], [__m128i; 3]) = (cast(*first), cast(*second));
            let sources = [
                simd.avx2._mm256_inserti128_si256::<1>(simd.avx._mm256_castsi128_si256(first[0]), second[0]),
                simd.avx2._mm256_inserti128_si256::<1>(simd.avx._mm256_castsi128_si256(first[1]), second[1]),
                simd.avx2._mm256_inserti128_si256::<1>(simd.avx._mm256_castsi128_si256(first[2]), second[2]),
            ];
            // Not in a loop, which would take the way through memory.
            let [a, b, c] = [self.picked(&sources, 0), self.picked(&sources, 1), self.picked(&sources, 2)];
            [[a[0], b[0], c[0]], [a[1], b[1], c[1]]]
        }

        /// One register of each group.
        #[inline(always)]
        fn picked(&self, sources: &[__m256i; 3], target: usize) -> [Places; 2] {
            let (simd, places) = (self.simd, &self.places[target]);
            let first = simd.avx2._mm256_shuffle_epi8(sources[0], places[0]);
            let second = simd.avx2._mm256_shuffle_epi8(sources[1], places[1]);
            let third = simd.avx2._mm256_shuffle_epi8(sources[2], places[2]);
            let joined = simd.avx2._mm256_or_si256(simd.avx2._mm256_or_si256(first, second), third);
            [cast(simd.avx._mm256_castsi256_si128(joined)), cast(simd.avx2._mm256_extracti128_si256::<1>(joined))]
        }
    }

    pub(super) struct Mix {
        simd: V3,
        /// Red and green of four pixels that begin at the first byte of a register, in 16 bits each, and their weights.
        reds_greens: [__m128i; 2],
        blues: [__m128i; 2],
        /// The same for pixels that begin at the fourth byte.
        last: [__m128i; 2],
        rounding: __m128i,
        /// The places of each of sixteen values in three registers, three times each.
        thrice: [__m128i; 3],
    }

    impl Mix {
        pub(super) fn new([red, green, blue]: [i16; 3], rounding: i32) -> Option<Self> {
            let simd = V3::try_new()?;
            let reds_greens = |from: u8| -> Places {
                from_fn(|i| if i % 2 == 0 { from + 3 * (i / 4) as u8 + (i % 4 / 2) as u8 } else { ZERO })
            };
            let blues =
                |from: u8| -> Places { from_fn(|i| if i % 4 == 0 { from + 3 * (i / 4) as u8 + 2 } else { ZERO }) };
            let thrice = |register: usize| -> Places { from_fn(|i| ((register * REGISTER + i) / 3) as u8) };
            Some(Self {
                simd,
                reds_greens: [cast(reds_greens(0)), cast([red, green, red, green, red, green, red, green])],
                blues: [cast(blues(0)), cast([blue, 0, blue, 0, blue, 0, blue, 0])],
                last: [cast(reds_greens(4)), cast(blues(4))],
                rounding: cast([rounding; 4]),
                thrice: [cast(thrice(0)), cast(thrice(1)), cast(thrice(2))],
            })
        }

        #[inline(always)]
        pub(super) fn values(&self, group: &Group) -> [u8; REGISTER] {
            let simd = self.simd;
            let [reds_greens, weights] = self.reds_greens;
            let [blues, weights_of_blues] = self.blues;
            let four = |from: usize, reds_greens: __m128i, blues: __m128i| {
                let pixels: __m128i = cast(*group[from..].first_chunk::<REGISTER>().expect("within the group"));
                let sum = simd.sse2._mm_madd_epi16(simd.ssse3._mm_shuffle_epi8(pixels, reds_greens), weights);
                let blues = simd.sse2._mm_madd_epi16(simd.ssse3._mm_shuffle_epi8(pixels, blues), weights_of_blues);
                let sum = simd.sse2._mm_add_epi32(simd.sse2._mm_add_epi32(sum, blues), self.rounding);
                simd.sse2._mm_srli_epi32::<POINT>(sum)
            };
            let low = simd.sse4_1._mm_packus_epi32(four(0, reds_greens, blues), four(12, reds_greens, blues));
            let high = simd.sse4_1._mm_packus_epi32(four(24, reds_greens, blues), four(32, self.last[0], self.last[1]));
            cast(simd.sse2._mm_packus_epi16(low, high))
        }

        /// Each value three times.
        #[inline(always)]
        pub(super) fn repeat(&self, values: [u8; REGISTER]) -> Registers {
            let (simd, values, [first, second, third]) = (self.simd, cast(values), self.thrice);
            [
                cast(simd.ssse3._mm_shuffle_epi8(values, first)),
                cast(simd.ssse3._mm_shuffle_epi8(values, second)),
                cast(simd.ssse3._mm_shuffle_epi8(values, third)),
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same without wide instructions.
    fn plain(shuffle: &Shuffle) -> Shuffle {
        Shuffle {
            sources: shuffle.sources,
            #[cfg(target_arch = "x86_64")]
            wide: None,
        }
    }

    fn group() -> Group {
        from_fn(|i| (i * 37 % 256) as u8)
    }

    #[test]
    fn every_byte_comes_from_its_source() {
        let group = group();
        for step in [1, 5, 7, 11, 47] {
            let expected: Group = from_fn(|i| group[i * step % GROUP]);
            let shuffle = || Shuffle::new(|i| i * step % GROUP);
            for shuffle in [shuffle(), plain(&shuffle())] {
                let [first, second] = shuffle.apply([&group, &[7; GROUP]]);
                assert_eq!((first.as_flattened(), second.as_flattened()), (&expected[..], &[7; GROUP][..]), "{step}");
            }
        }
    }

    #[test]
    fn pixels_are_mixed_as_one_by_one() {
        for mix in [Mix::luma(), Mix::new([10923; 3], 10923)] {
            for group in [group(), [255; GROUP], [0; GROUP]] {
                let expected: Vec<[u8; 3]> = group.as_chunks().0.iter().map(|pixel| [mix.of(*pixel); 3]).collect();
                assert_eq!(mix.apply(&group).as_flattened(), expected.as_flattened());
            }
        }
    }
}
