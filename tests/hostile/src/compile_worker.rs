//! The process that compiles plugins, as `psa-host` starts itself for it.

fn main() {
    if let Err(error) = psa_host_sandbox::compile_worker(std::env::args_os().skip(1)) {
        eprintln!("{error}");
        std::process::exit(error.exit_status());
    }
}
