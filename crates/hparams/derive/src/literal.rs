//! Number literals: comparing them while compiling, and integers written for floats.

use syn::{Expr, ExprLit, ExprRange, ExprUnary, Lit, LitFloat, RangeLimits, UnOp};

/// A number that is visible in the source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    /// The number that `expression` is, if it is a literal, negated or not.
    pub(crate) fn of(expression: &Expr) -> Option<Self> {
        match expression {
            Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) => literal.base10_parse().ok().map(Number::Integer),
            Expr::Lit(ExprLit { lit: Lit::Float(literal), .. }) => literal.base10_parse().ok().map(Number::Float),
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => match Number::of(expr)? {
                Number::Integer(value) => Some(Number::Integer(-value)),
                Number::Float(value) => Some(Number::Float(-value)),
            },
            _ => None,
        }
    }

    fn to_f64(self) -> f64 {
        match self {
            Number::Integer(value) => value as f64,
            Number::Float(value) => value,
        }
    }
}

/// Whether `number` lies inside of `range`, as far as its ends are literals.
pub(crate) fn may_contain(range: &ExprRange, number: Number) -> bool {
    let number = number.to_f64();
    let end = |end: &Option<Box<Expr>>| end.as_deref().and_then(Number::of).map(Number::to_f64);
    let below_max = |max: f64| match range.limits {
        RangeLimits::HalfOpen(_) => number < max,
        RangeLimits::Closed(_) => number <= max,
    };
    end(&range.start).is_none_or(|min| number >= min) && end(&range.end).is_none_or(below_max)
}

/// `expression` with an integer literal turned into a float, so that `1` can stand for `1.0`.
pub(crate) fn as_float(expression: &Expr) -> Expr {
    let mut expression = expression.clone();
    match &mut expression {
        Expr::Lit(ExprLit { lit, .. }) => {
            if let Lit::Int(integer) = lit
                && integer.suffix().is_empty()
            {
                let digits = format!("{}.0", integer.base10_digits());
                *lit = Lit::Float(LitFloat::new(&digits, integer.span()));
            }
        }
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => **expr = as_float(expr),
        Expr::Range(ExprRange { start, end, .. }) => {
            for end in [start, end].into_iter().flatten() {
                **end = as_float(end);
            }
        }
        _ => {}
    }
    expression
}
