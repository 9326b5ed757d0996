//! Compiles the contracts with a Protobuf compiler in Rust: building Roster
//! needs no `protoc`.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    // Asked when the script runs, not when it is compiled: two checkouts that
    // share a target directory each have their own contracts.
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../..");
    let contracts = root.join("proto");
    let imports = root.join("proto-imports");
    // The build script's own directory is all that Cargo would watch.
    for watched in [&contracts, &imports] {
        println!("cargo:rerun-if-changed={}", watched.display());
    }

    let mut compiler = protox::Compiler::new([&contracts, &imports])?;
    compiler.include_imports(true).include_source_info(true).open_files(protos(&contracts)?)?;
    // No contract imports the envelope of events: it is around them.
    compiler.open_file(imports.join("io/cloudevents/v1/cloudevents.proto"))?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    // The encoded set keeps the options (extensions) that the typed one drops.
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    let mut messages = tonic_prost_build::Config::new();
    // Events are named by the full name of their message.
    messages.enable_type_names();
    // An `Any` names its message as the JSON mapping and other languages do.
    messages.type_name_domain(["."], "type.googleapis.com");
    tonic_prost_build::configure()
        .build_transport(false)
        .compile_fds_with_config(compiler.file_descriptor_set(), messages)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "Cargo speaks to build scripts in variables")]
fn variable(name: &str) -> Result<String> {
    Ok(env::var(name)?)
}

fn protos(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(protos(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
