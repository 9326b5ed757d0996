//! Round numbers for an axis.

/// More lines than this confuse.
const MOST_STEPS: i64 = 4;

/// The axis from nought to the first round number that is not below `most`.
pub fn ticks(most: i64) -> Vec<i64> {
    let most = most.max(1);
    let step = step(most);
    (0..=steps(most, step)).map(|count| count.saturating_mul(step)).collect()
}

/// The least of 1, 2, 5, 10, 20, 50 … that needs no more than so many steps.
fn step(most: i64) -> i64 {
    let mut ten = 1_i64;
    loop {
        for digit in [1, 2, 5] {
            let step = ten.saturating_mul(digit);
            if steps(most, step) <= MOST_STEPS {
                return step;
            }
        }
        ten = ten.saturating_mul(10);
    }
}

/// How many steps it takes to reach `most`.
fn steps(most: i64, step: i64) -> i64 {
    most / step + i64::from(most % step != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_above_everything() {
        assert_eq!(ticks(0), [0, 1]);
        assert_eq!(ticks(1), [0, 1]);
        assert_eq!(ticks(3), [0, 1, 2, 3]);
        assert_eq!(ticks(5), [0, 2, 4, 6]);
        assert_eq!(ticks(17), [0, 5, 10, 15, 20]);
        assert_eq!(ticks(100), [0, 50, 100]);
        assert_eq!(ticks(101), [0, 50, 100, 150]);
        assert_eq!(ticks(1_999), [0, 500, 1_000, 1_500, 2_000]);
    }

    #[test]
    fn an_axis_has_few_lines_whatever_the_numbers() {
        for most in [-5, 7, 43, 999, 123_456, i64::MAX / 100, i64::MAX] {
            let ticks = ticks(most);
            assert!((2..=5).contains(&ticks.len()), "{most}: {ticks:?}");
            assert!(ticks.last().is_some_and(|last| *last >= most), "{most}: {ticks:?}");
        }
    }
}
