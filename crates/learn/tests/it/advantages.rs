//! Generalised advantage estimation against numbers worked by hand.

use dodge_learn::{Rollout, advantages};

/// Two environments, three steps each, `[step][environment]`.
///
/// The first one terminates in its second step: the value of the successor, here no number at all, must not count.
/// The second one is truncated in its second step: the value of its successor, 6, must.
fn rollout() -> Rollout {
    Rollout {
        rewards: vec![1.0, 1.0, 0.0, 2.0, 2.0, -1.0],
        values: vec![2.0, 1.0, 4.0, 2.0, 1.0, 0.0],
        successor_values: vec![4.0, 2.0, f32::NAN, 6.0, 3.0, 10.0],
        terminated: vec![false, false, true, false, false, false],
        truncated: vec![false, false, false, true, false, false],
        ..Rollout::default()
    }
}

#[test]
fn by_hand() {
    // Discount and decay are 0.5 each, so a later step counts a quarter.
    // First environment, surprises:   1 + 0.5 * 4 - 2 = 1,   0 + 0 - 4 = -4,        2 + 0.5 * 3 - 1 = 2.5.
    //   advantages from the end:      2.5;  -4, cut;  1 + 0.25 * -4 = 0.
    // Second environment, surprises:  1 + 0.5 * 2 - 1 = 1,   2 + 0.5 * 6 - 2 = 3,  -1 + 0.5 * 10 - 0 = 4.
    //   advantages from the end:      4;  3, cut;  1 + 0.25 * 3 = 1.75.
    assert_eq!(advantages(&rollout(), 2, 0.5, 0.5), [0.0, 1.75, -4.0, 3.0, 2.5, 4.0]);
}

#[test]
fn without_decay_an_advantage_is_the_surprise() {
    assert_eq!(advantages(&rollout(), 2, 0.5, 0.0), [1.0, 1.0, -4.0, 3.0, 2.5, 4.0]);
}

#[test]
fn with_full_decay_an_advantage_is_the_discounted_return_less_the_value() {
    let rollout = Rollout {
        rewards: vec![1.0, 2.0, 4.0],
        values: vec![10.0, 20.0, 30.0],
        successor_values: vec![20.0, 30.0, 8.0],
        terminated: vec![false; 3],
        truncated: vec![false; 3],
        ..Rollout::default()
    };
    // 4 + 8/2 - 30;  2 + 4/2 + 8/4 - 20;  1 + 2/2 + 4/4 + 8/8 - 10.
    assert_eq!(advantages(&rollout, 1, 0.5, 1.0), [-6.0, -14.0, -22.0]);
}

#[test]
fn nothing_comes_of_nothing() {
    assert!(advantages(&Rollout::default(), 4, 0.9, 0.9).is_empty());
}
