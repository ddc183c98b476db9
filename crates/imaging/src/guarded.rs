//! Code of other crates that reads files, run so that a panic in it is an error.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// Runs `work`; where it panics, the panic's message is the error, and nothing is printed.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    quiet_while_guarded();
    let before = GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    result.map_err(|panic| words(&*panic).to_owned())
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// The message of a panic that becomes an error is not printed; every other is, by the hook that was there before.
fn quiet_while_guarded() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |information| {
            if !GUARDED.get() {
                before(information);
            }
        }));
    });
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("for a reason that it does not tell")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        assert_eq!(guarded::<()>(|| panic!("{} pixels", 3)), Err("3 pixels".to_owned()));
        assert_eq!(guarded::<()>(|| panic!("static")), Err("static".to_owned()));
        assert_eq!(guarded(|| 7), Ok(7));
        assert!(!GUARDED.get());
    }
}
