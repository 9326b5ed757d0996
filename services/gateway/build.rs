//! Describes the contracts as they are offered over HTTP. Made when Roster is
//! built, the descriptions cost the running program nothing but their bytes.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use prost_reflect::DescriptorPool;
use roster_openapi::{About, Api};
use sha2::{Digest as _, Sha256};

const DESCRIPTION: &str = "User administration: accounts, sessions, personas and API keys of \
    providers. Every method is offered in gRPC and gRPC-Web as well, under the same rules.";

/// The cookie of a connection that is encrypted.
const COOKIE: &str = "__Host-roster_session";

/// Something to hand out.
struct Asset {
    /// The name of its constant.
    name: &'static str,
    content_type: &'static str,
    /// What a browser may do with it, if it is for browsers.
    policy: Option<String>,
    bytes: Vec<u8>,
}

fn main() -> Result<()> {
    // Told by the build script of `roster-proto`.
    let descriptors = variable("DEP_ROSTER_PROTO_DESCRIPTORS")?;
    println!("cargo::rerun-if-changed={descriptors}");
    let pool = DescriptorPool::decode(fs::read(&descriptors)?.as_slice())?;
    let version = variable("CARGO_PKG_VERSION")?;
    let about =
        About { title: "Roster", version: &version, description: DESCRIPTION, cookie: COOKIE };
    let api = Api::read(&pool, about)?;
    // Both are under `/api/`.
    let page = api.page("openapi.json");
    let assets = [
        Asset {
            name: "DOCUMENT",
            content_type: "application/json",
            policy: None,
            bytes: api.document().to_string().into_bytes(),
        },
        Asset {
            name: "PAGE",
            content_type: "text/html; charset=utf-8",
            policy: Some(page.policy),
            bytes: page.html.into_bytes(),
        },
    ];
    let out = PathBuf::from(variable("OUT_DIR")?);
    let constants = assets.iter().map(|asset| asset.write(&out)).collect::<Result<String>>()?;
    fs::write(out.join("docs.rs"), constants)?;
    Ok(())
}

impl Asset {
    /// Writes it and what it is when packed, and answers its constant.
    fn write(&self, out: &Path) -> Result<String> {
        let Self { name, content_type, policy, bytes } = self;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(bytes)?;
        fs::write(out.join(name), bytes)?;
        fs::write(out.join(format!("{name}.gz")), gzip.finish()?)?;
        let hash = Sha256::digest(bytes);
        let etag = STANDARD.encode(&hash[..12]);
        let form = |suffix: &str, file: &str| {
            let etag = format!("\"{etag}{suffix}\"");
            let bytes = format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\"))");
            format!("Form {{ etag: {etag:?}, bytes: {bytes} }}")
        };
        let (plain, packed) = (form("", name), form("-gzip", &format!("{name}.gz")));
        Ok(format!(
            "const {name}: Asset = Asset {{ content_type: {content_type:?}, policy: {policy:?}, \
             plain: {plain}, packed: {packed} }};\n"
        ))
    }
}

#[expect(clippy::disallowed_methods, reason = "Cargo speaks to build scripts in variables")]
fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("{name} is not set"))
}
