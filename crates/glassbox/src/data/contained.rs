//! Panics of borrowed decoders, which on damaged files are no more than damage in a file.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Runs a piece of a decoder; none where it panicked. What it worked on is not to be used again then.
///
/// Nothing is said on the way: the hook for panics is asked to be silent meanwhile, on this thread
/// alone.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    thread_local!(static SILENT: Cell<bool> = const { Cell::new(false) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |about| {
            if !SILENT.get() {
                before(about);
            }
        }));
    });
    SILENT.set(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    SILENT.set(false);
    done.ok()
}
