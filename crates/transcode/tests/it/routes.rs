//! Which method a request means.

use http::Method;
use roster_transcode::NotFound;

use crate::library::routes;

fn found(verb: &str, path: &str) -> Result<String, NotFound> {
    let routes = routes();
    let call = routes.find(&Method::from_bytes(verb.as_bytes()).unwrap(), path)?;
    Ok(call.method().name().to_owned())
}

#[test]
fn paths_and_http_methods_mean_methods() {
    for (verb, path, method) in [
        ("GET", "/v1/books", "ListBooks"),
        ("POST", "/v1/books", "CreateBook"),
        ("SEARCH", "/v1/books", "SearchBooks"),
        ("GET", "/v1/books:batchGet", "BatchGetBooks"),
        ("GET", "/v1/books/b", "GetBook"),
        ("GET", "/v1/books/b%3Alend", "GetBook"),
        ("GET", "/v1/shelves/s/books/b", "GetBook"),
        ("POST", "/v1/books/b:lend", "LendBook"),
        ("PATCH", "/v1/books/b", "UpdateBook"),
        ("GET", "/v1/files/a/b/c", "ReadFile"),
    ] {
        assert_eq!(found(verb, path), Ok(method.to_owned()), "{verb} {path}");
    }
}

#[test]
fn another_http_method_is_told_which_there_are() {
    let allowed = |all: &[&Method]| NotFound::Method(all.iter().copied().cloned().collect());
    let search = Method::from_bytes(b"SEARCH").unwrap();
    for (verb, path, expected) in [
        ("DELETE", "/v1/books", allowed(&[&Method::GET, &Method::POST, &search])),
        ("GET", "/v1/books/b:lend", allowed(&[&Method::POST])),
        ("POST", "/v1/books/b", allowed(&[&Method::GET, &Method::PATCH])),
        ("get", "/v1/books:batchGet", allowed(&[&Method::GET])),
    ] {
        assert_eq!(found(verb, path), Err(expected), "{verb} {path}");
    }
}

#[test]
fn what_only_looks_like_a_path_means_nothing() {
    for path in [
        "",
        "/",
        "v1/books",
        "//v1/books",
        "/v1//books",
        "/v1/books/",
        "/v1/books//",
        "/v1/./books",
        "/v1/x/../books",
        "/v1/books/..",
        "/v1/books/.",
        "/V1/books",
        "/v1/Books",
        "/v1/%62ooks",
        "/v1/books%2Fb",
        "/v1%2Fbooks",
        "/v1/books:",
        "/v1/books:BatchGet",
        "/v1/books:batchGet:batchGet",
        "/v1/books/b:burn",
        "/v1/books/b:",
        "/v1/books/%FF",
        "/v1/books/b/c",
        "/v1/shelves/s/books",
        "/library.v1.Library/GetBook",
        "*",
        "http://elsewhere/v1/books",
    ] {
        assert_eq!(found("GET", path), Err(NotFound::Path), "{path}");
    }
}
