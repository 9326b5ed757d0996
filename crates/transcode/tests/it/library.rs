//! A contract that uses what rules can say.

use std::path::Path;

use http::Method;
use prost_reflect::DescriptorPool;
use roster_transcode::{Invalid, Routes};
use serde_json::Value as Json;

/// Its descriptors.
pub fn library() -> DescriptorPool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = [root.join("tests/it"), root.join("../../proto-imports")];
    let mut compiler = protox::Compiler::new(places).unwrap();
    compiler.include_imports(true).open_file("library.proto").unwrap();
    // Encoded, it keeps the options that are extensions.
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
}

/// Its rules.
pub fn routes() -> Routes {
    Routes::new(&library()).unwrap()
}

/// What a request becomes: the name of the method, and its request as JSON.
pub fn called(verb: &str, target: &str, body: &str) -> Result<(String, Json), Invalid> {
    let routes = routes();
    let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
    let call = routes.find(&Method::from_bytes(verb.as_bytes()).unwrap(), path).unwrap();
    let request = call.request(query, body.as_bytes())?;
    Ok((call.method().name().to_owned(), serde_json::to_value(&request).unwrap()))
}

/// The fields that a request is refused for.
pub fn refused(verb: &str, target: &str, body: &str) -> Vec<String> {
    let Invalid(violations) = called(verb, target, body).unwrap_err();
    assert!(violations.iter().all(|it| !it.description.is_empty()));
    violations.into_iter().map(|it| it.field).collect()
}
