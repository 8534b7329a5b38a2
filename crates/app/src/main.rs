//! The `glassbox` program.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    glassbox_cli::main()
}
