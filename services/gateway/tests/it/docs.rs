//! What is told of the contracts.

use std::slice;

use axum::{body::Body, response::Response};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use roster_gateway::docs;
use tower::ServiceExt as _;

const DOCUMENT: &str = "/api/openapi.json";
const PAGE: &str = "/api/docs";

async fn get(path: &str, headers: &[(header::HeaderName, &str)]) -> Response {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    docs::router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(answer: Response) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn header(answer: &Response, name: header::HeaderName) -> &str {
    answer.headers().get(name).map_or("", |it| it.to_str().unwrap())
}

#[tokio::test]
async fn the_document_and_the_page_are_there() {
    let document = get(DOCUMENT, &[]).await;
    assert_eq!(document.status(), StatusCode::OK);
    assert_eq!(header(&document, header::CONTENT_TYPE), "application/json");
    let document = text(document).await;
    assert!(document.contains("\"operationId\":\"UserAdminService_CreateUser\""));
    assert!(document.contains("\"openapi\":\"3.1"));

    let page = get(PAGE, &[]).await;
    assert_eq!(header(&page, header::CONTENT_TYPE), "text/html; charset=utf-8");
    let policy = header(&page, header::CONTENT_SECURITY_POLICY).to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let page = text(page).await;
    assert!(page.contains("id=\"UserAdminService.CreateUser\""));
    // The page leads to the document, which is beside it.
    assert!(page.contains("href=\"openapi.json\""));
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    for path in [DOCUMENT, PAGE] {
        let mut tags = Vec::new();
        for coding in ["identity", "gzip"] {
            let coding = (header::ACCEPT_ENCODING, coding);
            let first = get(path, slice::from_ref(&coding)).await;
            assert_eq!(header(&first, header::CACHE_CONTROL), "no-cache");
            let etag = header(&first, header::ETAG).to_owned();
            let again = get(path, &[coding.clone(), (header::IF_NONE_MATCH, &etag)]).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
            assert_eq!(header(&again, header::ETAG), etag);
            assert_eq!(header(&again, header::CONTENT_ENCODING), "");
            assert!(text(again).await.is_empty());
            let other = get(path, &[coding, (header::IF_NONE_MATCH, "\"other\"")]).await;
            assert_eq!(other.status(), StatusCode::OK);
            tags.push(etag);
        }
        // Other bytes have another name.
        assert_ne!(tags[0], tags[1]);
    }
}

#[tokio::test]
async fn it_is_packed_for_who_takes_that() {
    for path in [DOCUMENT, PAGE] {
        let plain = get(path, &[]).await;
        let packed = get(path, &[(header::ACCEPT_ENCODING, "br, gzip")]).await;
        assert_eq!(header(&packed, header::CONTENT_ENCODING), "gzip");
        assert_eq!(header(&plain, header::CONTENT_ENCODING), "");
        for answer in [&plain, &packed] {
            assert_eq!(header(answer, header::VARY), "accept-encoding");
        }
        let bytes = async |answer: Response| answer.into_body().collect().await.unwrap().to_bytes();
        let (plain, packed) = (bytes(plain).await, bytes(packed).await);
        let mut unpacked = Vec::new();
        let mut reader = flate2::read::GzDecoder::new(&*packed);
        std::io::Read::read_to_end(&mut reader, &mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
        assert!(packed.len() < 50_000, "{path}: {} bytes", packed.len());
    }
}
