//! Many small numbers in one register, for loops that the compiler does not turn into the right instructions by itself: it does not
//! see that the upper half of a product is all that is wanted when one factor stays the same.

use pulp::Arch;

/// Words in a register.
pub(crate) const WORDS: usize = 16;

/// The instructions. All of them compute the same numbers.
pub(crate) trait Wide: Copy {
    /// 16 words.
    type Words: Copy;

    fn words(self, values: &[u16; WORDS]) -> Self::Words;
    fn to_words(self, values: Self::Words) -> [u16; WORDS];
    fn all(self, value: u16) -> Self::Words;
    /// Bytes as words, shifted left by 7.
    fn shifted(self, values: &[u8; WORDS]) -> Self::Words;
    fn sum(self, one: Self::Words, other: Self::Words) -> Self::Words;
    /// The upper halves of the products.
    fn upper_product(self, one: Self::Words, other: Self::Words) -> Self::Words;
}

/// A computation on wide registers.
pub(crate) trait WideWork {
    type Output;

    /// Implementations are marked `#[inline(always)]`, as is all that they call: only so does it become wide instructions.
    fn run(self, wide: impl Wide) -> Self::Output;
}

/// Computes on the widest registers that this processor has.
pub(crate) fn on_wide<W: WideWork>(work: W) -> W::Output {
    match Arch::new() {
        #[cfg(target_arch = "x86_64")]
        Arch::V3(simd) => simd.vectorize(
            #[inline(always)]
            || work.run(avx2::Avx2(simd)),
        ),
        arch => arch.dispatch(
            #[inline(always)]
            || work.run(Plain),
        ),
    }
}

/// Arrays, which the compiler may turn into registers.
#[derive(Clone, Copy)]
pub(crate) struct Plain;

#[inline(always)]
fn each<T: Copy, U: Copy, const N: usize>(one: [T; N], other: [T; N], work: impl Fn(T, T) -> U, empty: U) -> [U; N] {
    let mut result = [empty; N];
    for i in 0..N {
        result[i] = work(one[i], other[i]);
    }
    result
}

impl Wide for Plain {
    type Words = [u16; WORDS];

    #[inline(always)]
    fn words(self, values: &[u16; WORDS]) -> Self::Words {
        *values
    }

    #[inline(always)]
    fn to_words(self, values: Self::Words) -> [u16; WORDS] {
        values
    }

    #[inline(always)]
    fn all(self, value: u16) -> Self::Words {
        [value; WORDS]
    }

    #[inline(always)]
    fn shifted(self, values: &[u8; WORDS]) -> Self::Words {
        each(*values, *values, |value, _| u16::from(value) << 7, 0)
    }

    #[inline(always)]
    fn sum(self, one: Self::Words, other: Self::Words) -> Self::Words {
        each(one, other, u16::wrapping_add, 0)
    }

    #[inline(always)]
    fn upper_product(self, one: Self::Words, other: Self::Words) -> Self::Words {
        each(one, other, |one, other| ((u32::from(one) * u32::from(other)) >> 16) as u16, 0)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::__m256i;

    use pulp::bytemuck::cast;
    use pulp::x86::V3;

    use super::{WORDS, Wide};

    /// The instructions of AVX2, which the processor has: `pulp` looked.
    #[derive(Clone, Copy)]
    pub(super) struct Avx2(pub(super) V3);

    impl Wide for Avx2 {
        type Words = __m256i;

        #[inline(always)]
        fn words(self, values: &[u16; WORDS]) -> __m256i {
            cast(*values)
        }

        #[inline(always)]
        fn to_words(self, values: __m256i) -> [u16; WORDS] {
            cast(values)
        }

        #[inline(always)]
        fn all(self, value: u16) -> __m256i {
            self.0.avx._mm256_set1_epi16(value as i16)
        }

        #[inline(always)]
        fn shifted(self, values: &[u8; WORDS]) -> __m256i {
            self.0.avx2._mm256_slli_epi16::<7>(self.0.avx2._mm256_cvtepu8_epi16(cast(*values)))
        }

        #[inline(always)]
        fn sum(self, one: __m256i, other: __m256i) -> __m256i {
            self.0.avx2._mm256_add_epi16(one, other)
        }

        #[inline(always)]
        fn upper_product(self, one: __m256i, other: __m256i) -> __m256i {
            self.0.avx2._mm256_mulhi_epu16(one, other)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Everything<'a>(&'a [u8; WORDS], &'a [u16; WORDS], &'a [u16; WORDS]);

    impl WideWork for Everything<'_> {
        type Output = Vec<u16>;

        #[inline(always)]
        fn run(self, wide: impl Wide) -> Self::Output {
            let Self(bytes, word, factor) = self;
            let (shifted, word, factor) = (wide.shifted(bytes), wide.words(word), wide.words(factor));
            let words = [wide.sum(word, factor), wide.upper_product(word, factor), wide.all(65_000), shifted];
            words.map(|values| wide.to_words(values)).concat()
        }
    }

    #[test]
    fn all_instructions_compute_the_same() {
        let bytes = std::array::from_fn(|i| (i * 37 + 3) as u8);
        let words = |factor: usize| std::array::from_fn(|i| (i * factor + 77) as u16);
        let (word, factor) = (words(4099), words(8011));
        assert_eq!(on_wide(Everything(&bytes, &word, &factor)), Everything(&bytes, &word, &factor).run(Plain));
    }
}
