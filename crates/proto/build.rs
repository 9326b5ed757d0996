//! Compiles the contracts with a Protobuf compiler in Rust: building Roster
//! needs no `protoc`.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use prost_types::{FieldDescriptorProto, FileDescriptorSet, field_descriptor_proto};

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
    let descriptors = out.join("descriptors.bin");
    fs::write(&descriptors, compiler.encode_file_descriptor_set())?;
    // `DEP_ROSTER_PROTO_DESCRIPTORS`, in build scripts of what depends on this.
    println!("cargo::metadata=descriptors={}", descriptors.display());

    let files = compiler.file_descriptor_set();
    let secretive = secretive(&files);
    fs::write(out.join("debug.rs"), secretive.iter().map(debug).collect::<String>())?;

    let mut messages = tonic_prost_build::Config::new();
    messages.skip_debug(secretive.iter().map(|message| format!(".{}", message.name)));
    // Events are named by the full name of their message.
    messages.enable_type_names();
    // An `Any` names its message as the JSON mapping and other languages do.
    messages.type_name_domain(["."], "type.googleapis.com");
    tonic_prost_build::configure()
        .build_transport(false)
        .compile_fds_with_config(files, messages)?;
    Ok(())
}

/// A message that carries a secret, and what may be shown of it.
struct Secretive {
    name: String,
    fields: Vec<(String, bool)>,
}

/// The messages with a field that holds a secret: what is called a password, a
/// secret or a token, be it the old, the current or a new one. Page tokens are
/// no secret of anybody's.
fn secretive(files: &FileDescriptorSet) -> Vec<Secretive> {
    let is_secret = |field: &FieldDescriptorProto| {
        let name = field.name();
        let suffix = name.rsplit('_').next().unwrap_or_default();
        field.r#type() == field_descriptor_proto::Type::String
            && (matches!(suffix, "password" | "secret") || name == "token")
    };
    let ours = files.file.iter().filter(|file| file.package().starts_with("roster."));
    let messages = ours.flat_map(|file| {
        let package = file.package();
        file.message_type.iter().map(move |message| (package, message))
    });
    messages
        .filter(|(_, message)| message.field.iter().any(is_secret))
        .map(|(package, message)| Secretive {
            name: format!("{package}.{}", message.name()),
            fields: message
                .field
                .iter()
                // A field of a choice is the choice's, which goes unshown.
                .filter(|field| field.oneof_index.is_none() || field.proto3_optional())
                .map(|field| (field.name().to_owned(), is_secret(field)))
                .collect(),
        })
        .collect()
}

/// `Debug` without the secrets: what is printed in a panic, an error or a log
/// must not hold them.
fn debug(message: &Secretive) -> String {
    let (package, name) = message.name.rsplit_once('.').unwrap_or_default();
    let path = package.trim_start_matches("roster.").replace('.', "::");
    let fields: String = message
        .fields
        .iter()
        .map(|(field, secret)| match secret {
            true => format!(".field(\"{field}\", &format_args!(\"[redacted]\"))"),
            false => format!(".field(\"{field}\", &self.{field})"),
        })
        .collect();
    format!(
        "impl ::core::fmt::Debug for crate::{path}::{name} {{\n    \
         fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{\n        \
         f.debug_struct(\"{name}\"){fields}.finish_non_exhaustive()\n    }}\n}}\n"
    )
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
