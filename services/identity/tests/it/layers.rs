use std::path::Path;

#[test]
fn the_import_table_holds() {
    roster_testkit::layers::check(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
}
