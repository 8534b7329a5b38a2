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

#[cfg(all(test, unix))]
mod tests {
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    const CHILD: &str = "GLASSBOX_TEST_INTERRUPT";

    fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !holds() {
            assert!(Instant::now() < deadline, "waited too long for {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn interrupt(child: &Child) {
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// Not a test of its own: what is interrupted. Writes a file when it listens and when it is
    /// told to stop, and then goes on as one that never finishes its step.
    #[test]
    fn child_that_is_interrupted() {
        let Ok(folder) = std::env::var(CHILD) else { return };
        let folder = std::path::Path::new(&folder);
        let flag = stop_flag();
        std::fs::write(folder.join("listens"), "").unwrap();
        wait_until("the flag", || flag.load(Ordering::SeqCst));
        std::fs::write(folder.join("stops"), "").unwrap();
        wait_until("the second interrupt", || false);
    }

    #[test]
    fn the_first_interrupt_sets_the_flag_and_the_second_leaves_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "interrupt::tests::child_that_is_interrupted"])
            .env(CHILD, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the child", || folder.path().join("listens").exists());
        interrupt(&child);
        wait_until("the flag", || folder.path().join("stops").exists());
        assert!(child.try_wait().unwrap().is_none(), "the first lets it go on");
        interrupt(&child);
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
}
