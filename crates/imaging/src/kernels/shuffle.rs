//! Pixels taken apart and put together within registers, sixteen at a time.
//!
//! Processors move the bytes of a register about by one instruction, for which the compiler has no loop. Results are written
//! register by register: a processor waits long for what is read in one piece and was written in several.

use std::array::from_fn;

use super::block::with_pixels;
use super::vectorized;
use crate::Photo;

/// Bytes of sixteen pixels: three registers.
const GROUP: usize = 48;

/// Pixels of a group, bytes of a register.
const REGISTER: usize = 16;

pub(super) type Group = [u8; GROUP];

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

    /// The bytes of a group at their new places.
    #[inline(always)]
    pub(super) fn apply(&self, group: &Group, target: &mut Group) {
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = &self.wide {
            return wide.apply(group, target);
        }
        for (value, &place) in target.iter_mut().zip(&self.sources) {
            *value = group[place];
        }
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
    pub(super) fn apply(&self, group: &Group, target: &mut Group) {
        let values = self.values(group);
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = &self.wide {
            return wide.repeat(values, target);
        }
        for (pixel, value) in target.as_chunks_mut().0.iter_mut().zip(values) {
            *pixel = [value; 3];
        }
    }

    pub(super) fn of(&self, pixel: [u8; 3]) -> u8 {
        let weighted = (0..3).map(|channel| i32::from(self.weights[channel]) * i32::from(pixel[channel]));
        ((weighted.sum::<i32>() + self.rounding) >> POINT) as u8
    }
}

/// A new photo, group by group; the last group is filled up with zeros.
#[inline(always)]
pub(super) fn mapped_groups(photo: &Photo, work: impl Fn(&Group, &mut Group)) -> Photo {
    let (groups, rest) = photo.pixels().as_chunks();
    let mut pixels = vec![0; photo.pixels().len()];
    vectorized(
        #[inline(always)]
        || {
            let (targets, last_target) = pixels.as_chunks_mut();
            for (target, group) in targets.iter_mut().zip(groups) {
                work(group, target);
            }
            let (mut last, mut result) = ([0; GROUP], [0; GROUP]);
            last[..rest.len()].copy_from_slice(rest);
            work(&last, &mut result);
            last_target.copy_from_slice(&result[..rest.len()]);
        },
    );
    with_pixels(photo, pixels)
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::__m128i;
    use std::array::from_fn;

    use pulp::cast;
    use pulp::x86::V3;

    use super::{GROUP, Group, POINT, REGISTER};

    /// What the instruction takes for a zero.
    const ZERO: u8 = 0x80;

    type Places = [u8; REGISTER];

    /// For each register of the result, the places in each register of the source.
    pub(super) struct Shuffle {
        simd: V3,
        places: [[__m128i; 3]; 3],
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
            Some(Self { simd, places: from_fn(|target| from_fn(|register| cast(places(target, register)))) })
        }

        #[inline(always)]
        pub(super) fn apply(&self, group: &Group, target: &mut Group) {
            let simd = self.simd;
            let [first, second, third]: [__m128i; 3] = cast(*group);
            for (target, places) in target.as_chunks_mut::<REGISTER>().0.iter_mut().zip(&self.places) {
                let first = simd.ssse3._mm_shuffle_epi8(first, places[0]);
                let second = simd.ssse3._mm_shuffle_epi8(second, places[1]);
                let third = simd.ssse3._mm_shuffle_epi8(third, places[2]);
                *target = cast(simd.sse2._mm_or_si128(simd.sse2._mm_or_si128(first, second), third));
            }
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
        pub(super) fn repeat(&self, values: [u8; REGISTER], target: &mut Group) {
            let values: __m128i = cast(values);
            for (target, places) in target.as_chunks_mut::<REGISTER>().0.iter_mut().zip(self.thrice) {
                *target = cast(self.simd.ssse3._mm_shuffle_epi8(values, places));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> Group {
        from_fn(|i| (i * 37 % 256) as u8)
    }

    #[test]
    fn every_byte_comes_from_its_source() {
        let group = group();
        for step in [1, 5, 7, 11, 47] {
            let expected: Group = from_fn(|i| group[i * step % GROUP]);
            let mut shuffled = [0; GROUP];
            Shuffle::new(|i| i * step % GROUP).apply(&group, &mut shuffled);
            assert_eq!(shuffled, expected, "{step}");
        }
    }

    #[test]
    fn pixels_are_mixed_as_one_by_one() {
        for mix in [Mix::luma(), Mix::new([10923; 3], 10923)] {
            for group in [group(), [255; GROUP], [0; GROUP]] {
                let mut mixed = [0; GROUP];
                mix.apply(&group, &mut mixed);
                let expected: Vec<[u8; 3]> = group.as_chunks().0.iter().map(|pixel| [mix.of(*pixel); 3]).collect();
                assert_eq!(mixed.as_slice(), expected.as_flattened());
            }
        }
    }
}
