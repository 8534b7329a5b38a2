//! Ctrl-C: once to finish the step and save, twice to leave at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Listens for Ctrl-C (and SIGTERM); the first sets the flag that is given back, the second exits
/// with code 130. Where listening is impossible the flag is never set and Ctrl-C kills as usual.
pub fn stop_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let listening = ctrlc::set_handler(move || {
        if set.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
    // Nothing is lost without it: checkpoints survive being killed.
    drop(listening);
    flag
}
