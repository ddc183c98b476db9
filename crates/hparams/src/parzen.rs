//! A tree of Parzen estimators: which value to try next, by what came of those that were tried.
//!
//! Bergstra, Bardenet, Bengio and Kégl 2011, *Algorithms for Hyper-Parameter Optimization*, by the crate `tpe`, which looks at each dimension by
//! itself. A tenth of the trials counts as good; of 24 draws from the density of the good values the one is taken at which it exceeds
//! that of the others most.

use rand_chacha::rand_core::Rng;
use tpe::{TpeOptimizer, density_estimation::DefaultEstimatorBuilder, histogram_estimator, parzen_estimator};

use crate::Value;
use crate::range::to_f64;
use crate::search::Domain;

/// The next value, after trials of which some had a value of this domain and each has a score: the higher the better, not a
/// number for the worst.
pub(crate) fn draw(domain: &Domain, tried: &[(Option<&Value>, f64)], rng: &mut impl Rng) -> Value {
    let Some((estimator, low, high)) = line(domain) else { return domain.at(0.5) };
    let range = tpe::range(low, high).expect("a domain has two ends that are apart");
    let mut optimizer = TpeOptimizer::new(estimator, range);
    for (value, score) in tried {
        let place = value.map_or(f64::NAN, |value| place(domain, value));
        let place = if range.contains(place) { place } else { f64::NAN };
        // The crate makes a figure as small as it can.
        let cost = if score.is_nan() { f64::INFINITY } else { -score };
        optimizer.tell(place, cost).expect("a place is inside or no number, a cost is a number");
    }
    at(domain, optimizer.ask(rng).expect("an estimator of finite places can be made"))
}

/// The line on which a domain's values lie, up to but without the second end; none where there is one value only.
fn line(domain: &Domain) -> Option<(DefaultEstimatorBuilder, f64, f64)> {
    let (low, high) = match domain {
        Domain::Uniform { low, high } => (*low, high.next_up()),
        Domain::LogUniform { low, high } => (low.ln(), high.ln().next_up()),
        // Each integer has a stretch of its own.
        Domain::Integer { low, high } => (*low as f64 - 0.5, *high as f64 + 0.5),
        Domain::LogInteger { low, high } => ((*low as f64 - 0.5).ln(), (*high as f64 + 0.5).ln()),
        Domain::Categorical(values) => {
            return (values.len() > 1).then(|| (histogram_estimator(), 0.0, values.len() as f64));
        }
    };
    let is_point = match domain {
        Domain::Uniform { low, high } | Domain::LogUniform { low, high } => low >= high,
        Domain::Integer { low, high } | Domain::LogInteger { low, high } => low >= high,
        Domain::Categorical(_) => false,
    };
    (!is_point).then(|| (parzen_estimator(), low, high))
}

/// Where on the line a value lies; not a number for one that is not of the domain.
fn place(domain: &Domain, value: &Value) -> f64 {
    match (domain, value) {
        (Domain::Categorical(values), value) => {
            let index = values.iter().position(|other| other == value || Some(other) == value.choice().as_ref());
            index.map_or(f64::NAN, |index| index as f64)
        }
        (Domain::Uniform { .. } | Domain::Integer { .. }, Value::Float(_) | Value::Integer(_)) => to_f64(value),
        (Domain::LogUniform { .. } | Domain::LogInteger { .. }, Value::Float(_) | Value::Integer(_)) => {
            to_f64(value).ln()
        }
        _ => f64::NAN,
    }
}

fn at(domain: &Domain, place: f64) -> Value {
    let whole = |number: f64, low: i128, high: i128| Value::Integer((number.round() as i128).clamp(low, high));
    match domain {
        Domain::Uniform { low, high } => Value::Float(place.clamp(*low, *high)),
        Domain::LogUniform { low, high } => Value::Float(place.exp().clamp(*low, *high)),
        Domain::Integer { low, high } => whole(place, *low, *high),
        Domain::LogInteger { low, high } => whole(place.exp(), *low, *high),
        Domain::Categorical(values) => values[(place as usize).min(values.len() - 1)].clone(),
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;

    /// Draws many values after trials at even places of the domain, of which the one in front of the middle is best.
    fn drawn(domain: &Domain) -> Vec<Value> {
        let values: Vec<Value> = (0..20).map(|index| domain.at(f64::from(index) / 20.0)).collect();
        let tried: Vec<_> =
            values.iter().zip(0..).map(|(value, index)| (Some(value), -f64::from((index - 8_i32).abs()))).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..200).map(|_| draw(domain, &tried, &mut rng)).collect()
    }

    #[test]
    fn values_are_drawn_where_good_ones_lie_and_nowhere_else() {
        for domain in [
            Domain::Uniform { low: -1.0, high: 3.0 },
            Domain::LogUniform { low: 1e-5, high: 1e-1 },
            Domain::Integer { low: -50, high: 350 },
            Domain::LogInteger { low: 1, high: 100_000 },
        ] {
            let (good, low, high) = (domain.at(0.4), domain.at(0.0), domain.at(1.0));
            let share = |value: &Value| {
                let span = place(&domain, &high) - place(&domain, &low);
                (place(&domain, value) - place(&domain, &low)) / span
            };
            let values = drawn(&domain);
            assert!(values.iter().all(|value| (-1e-9..=1.0 + 1e-9).contains(&share(value))), "{domain:?}");
            let near = values.iter().filter(|value| (share(value) - share(&good)).abs() < 0.1).count();
            assert!(near > 150, "{domain:?}: {near} of 200 are near");
        }
    }

    #[test]
    fn the_choice_that_did_best_is_drawn_most() {
        let names = ["a", "b", "c"].map(|name| Value::Text(name.to_owned()));
        let domain = Domain::Categorical(names.to_vec());
        let scores = [1.0, 5.0, 0.0];
        let tried: Vec<_> = (0..30).map(|index| (Some(&names[index % 3]), scores[index % 3])).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let best = (0..100).filter(|_| draw(&domain, &tried, &mut rng) == names[1]).count();
        assert!(best > 90, "{best}");
    }

    #[test]
    fn trials_without_a_value_or_a_score_are_no_mistake() {
        let domain = Domain::Uniform { low: 0.0, high: 1.0 };
        let outside = Value::Float(7.0);
        let end = Value::Float(1.0);
        let tried = [(None, 1.0), (Some(&outside), f64::NAN), (Some(&end), f64::INFINITY), (Some(&end), f64::NAN)];
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert!(matches!(draw(&domain, &tried, &mut rng), Value::Float(value) if (0.0..=1.0).contains(&value)));
        let point = Domain::Integer { low: 3, high: 3 };
        assert_eq!(draw(&point, &[], &mut rng), Value::Integer(3));
        let single = Domain::Categorical(vec![Value::Bool(true)]);
        assert_eq!(draw(&single, &[], &mut rng), Value::Bool(true));
    }
}
