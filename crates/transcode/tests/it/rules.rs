//! Rules that cannot be followed.

use std::{fs, path::Path};

use prost_reflect::DescriptorPool;
use roster_transcode::Routes;

/// Why the rules of two methods, each as it stands in the contract, are none.
fn refused(one: &str, other: &str) -> String {
    let contract = format!(
        "syntax = \"proto3\"; package odd; import \"google/api/annotations.proto\";
         message M {{ string name = 1; repeated string names = 2; }}
         service S {{
           rpc One(M) returns (M) {{ option (google.api.http) = {{ {one} }}; }}
           rpc Other(M) returns (M) {{ option (google.api.http) = {{ {other} }}; }}
         }}"
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("odd.proto"), contract).unwrap();
    let imports = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto-imports");
    let mut compiler = protox::Compiler::new([folder.path(), &imports]).unwrap();
    compiler.include_imports(true).open_file("odd.proto").unwrap();
    let pool = DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap();
    Routes::new(&pool).map(drop).unwrap_err().to_string()
}

#[test]
fn a_contract_whose_rules_cannot_be_followed_is_refused_with_the_method() {
    let fine = "get: '/fine'";
    for (one, other, why) in [
        (fine, "get: 'none'", "odd.S.Other"),
        (fine, "get: '/{'", "odd.S.Other"),
        (fine, "get: '/{nothing}'", "no field nothing"),
        (fine, "get: '/{names}'", "no field names"),
        (fine, "post: '/other' body: 'nothing'", "no field nothing"),
        (fine, "get: '/other' response_body: 'nothing'", "no field nothing"),
        (fine, "custom { kind: 'A B' path: '/other' }", "A B is no HTTP method"),
        (fine, "body: '*'", "no pattern"),
        (fine, "get: '/fine'", "means another method as well"),
        ("get: '/a/{name}'", "get: '/a/*'", "means another method as well"),
        (fine, "get: '/b' additional_bindings { get: '/{nothing}' }", "no field nothing"),
    ] {
        let refused = refused(one, other);
        assert!(refused.contains(why), "{one} {other}: {refused}");
    }
}
