//! A contract that uses what rules can say.

use std::path::Path;

use prost_reflect::DescriptorPool;
use roster_openapi::{About, Page};
use serde_json::Value as Json;

pub const ABOUT: About<'_> = About {
    title: "The <Shop>",
    version: "1.2.3",
    description: "For `everybody`.\n\nAnd more.",
    cookie: "shop",
};

fn pool() -> DescriptorPool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let places = ["crates/openapi/tests/it", "proto", "proto-imports"].map(|it| root.join(it));
    let mut compiler = protox::Compiler::new(places).unwrap();
    compiler.include_imports(true).include_source_info(true).open_file("shop.proto").unwrap();
    // Encoded, it keeps the options that are extensions.
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
}

/// Its document.
pub fn document() -> Json {
    roster_openapi::Api::read(&pool(), ABOUT).unwrap().document()
}

/// Its page.
pub fn page() -> Page {
    roster_openapi::Api::read(&pool(), ABOUT).unwrap().page("openapi.json")
}

/// The schema of a message of its.
pub fn schema(name: &str) -> Json {
    let document = document();
    let schema = &document["components"]["schemas"][format!("shop.v1.{name}")];
    assert!(schema.is_object(), "there is no {name}");
    schema.clone()
}

/// The schema of a field, without its description.
pub fn field(message: &str, name: &str) -> Json {
    let mut schema = schema(message)["properties"][name].clone();
    assert!(schema.is_object(), "{message} has no {name}");
    schema.as_object_mut().unwrap().remove("description");
    schema
}
