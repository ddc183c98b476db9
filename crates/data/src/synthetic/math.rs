//! Arithmetic that gives the same bits everywhere.
//!
//! Only `+ - * /`, `sqrt` and rounding are used: IEEE 754 fixes their results. Sine and powers from the platform's
//! mathematics library differ in the last bits between systems, so they are approximated here.

pub(crate) fn clamp01(x: f32) -> f32 {
    x.clamp(0.0, 1.0)
}

pub(crate) fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// Rises smoothly from 0 at `from` to 1 at `to`; falls where `to` is the smaller.
pub(crate) fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = clamp01((x - from) / (to - from));
    t * t * (3.0 - 2.0 * t)
}

/// Sine of an angle in turns, within 0.002.
pub(crate) fn sin_turns(turns: f32) -> f32 {
    let t = turns - (turns + 0.5).floor();
    // A parabola per half turn, then one correcting term.
    let parabola = 8.0 * t - 16.0 * t * t.abs();
    parabola + 0.225 * (parabola * parabola.abs() - parabola)
}

/// Cosine of an angle in turns, within 0.002.
pub(crate) fn cos_turns(turns: f32) -> f32 {
    sin_turns(turns + 0.25)
}

/// `x` to the power of `exponent` for 0 <= x <= 1, within 0.002 for exponents from 0.3 to 3.
pub(crate) fn pow01(x: f32, exponent: f32) -> f32 {
    if x <= 1e-6 {
        return 0.0;
    }
    exp2(exponent * log2(x.min(1.0)))
}

/// e to the power of `x`, within 0.03 % for what a float holds.
pub(crate) fn exp(x: f32) -> f32 {
    exp2(x * std::f32::consts::LOG2_E)
}

/// The natural logarithm of a positive number, within 0.001.
pub(crate) fn ln(x: f32) -> f32 {
    log2(x) * std::f32::consts::LN_2
}

fn log2(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    let mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    // log2(m) = 2/ln 2 * atanh((m - 1) / (m + 1)), and the ratio is below 1/3.
    let r = (mantissa - 1.0) / (mantissa + 1.0);
    let r2 = r * r;
    exponent as f32 + r * (2.885_39 + r2 * (0.961_797 + r2 * (0.577_078 + r2 * 0.412_199)))
}

fn exp2(x: f32) -> f32 {
    let x = x.clamp(-120.0, 120.0);
    let whole = x.floor();
    let t = x - whole;
    let fraction =
        1.0 + t * (std::f32::consts::LN_2 + t * (0.240_227 + t * (0.055_504 + t * (0.009_618 + t * 0.001_504))));
    fraction * f32::from_bits(((whole as i32 + 127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approximations_are_close() {
        for i in -300..300 {
            let x = i as f32 / 100.0;
            assert!((sin_turns(x) - (x * std::f32::consts::TAU).sin()).abs() < 0.002, "{x}");
        }
        for i in 1..=100 {
            let x = i as f32 / 100.0;
            for exponent in [0.3, 0.7, 1.0, 2.2, 3.0] {
                assert!((pow01(x, exponent) - x.powf(exponent)).abs() < 0.002, "{x} {exponent}");
            }
        }
        assert_eq!(pow01(0.0, 0.5), 0.0);
        for i in -400..400 {
            let x = i as f32 / 50.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 3e-4, "{x}: {}", exp(x));
            assert!((ln(x.exp()) - x).abs() < 1e-3, "{x}");
        }
    }
}
