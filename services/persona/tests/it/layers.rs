use std::path::Path;

#[test]
fn every_folder_imports_only_what_it_may() {
    roster_testkit::layers::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
}
