//! What never reaches a service.

use http::{Method, Version};
use http_body_util::{BodyExt, Full};
use roster_gateway::GatewayConfig;
use tonic::{Code, Status};

use crate::edge::{
    CREATE_USER, Edge, GET_PROFILE, ISSUE, LIST_PERSONAS, LIST_USERS, LOGIN, ended, grpc,
};

#[tokio::test]
async fn access_is_decided_for_the_routed_method() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    for (path, token, expected) in [
        (LIST_USERS, None, Code::Unauthenticated),
        (LIST_USERS, Some("Bearer stale"), Code::Unauthenticated),
        (LIST_USERS, Some("Bearer user"), Code::PermissionDenied),
        (LIST_USERS, Some("Bearer admin"), Code::Ok),
        (LIST_USERS, Some("Bearer rmt_stale"), Code::Unauthenticated),
        (LIST_USERS, Some("Bearer rmt_admin"), Code::Ok),
        (LIST_USERS, Some("Bearer rmt_read_only"), Code::Ok),
        (CREATE_USER, Some("Bearer rmt_admin"), Code::Ok),
        (CREATE_USER, Some("Bearer rmt_read_only"), Code::PermissionDenied),
        (ISSUE, Some("Bearer admin"), Code::Ok),
        (ISSUE, Some("Bearer rmt_admin"), Code::PermissionDenied),
        (GET_PROFILE, Some("Bearer rmt_admin"), Code::PermissionDenied),
        (LIST_PERSONAS, Some("Bearer temporary"), Code::PermissionDenied),
        (GET_PROFILE, Some("Bearer temporary"), Code::Ok),
        (LOGIN, None, Code::Ok),
    ] {
        let headers: Vec<_> = token.map(|token| ("authorization", token)).into_iter().collect();
        let (code, _) = edge.call(path, &headers).await;
        assert_eq!(code, expected, "{path} {token:?}");
        assert_eq!(edge.seen().len(), usize::from(expected == Code::Ok), "{path} {token:?}");
    }
}

#[tokio::test]
async fn paths_are_compared_byte_for_byte() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    for path in [
        "/roster.session.v1.SessionService/login",
        "//roster.session.v1.SessionService/Login",
        "/roster.session.v1.SessionService//Login",
        "/roster.session.v1.SessionService/Login/",
        "/roster.session.v1.SessionService/Login?x",
        "/roster.session.v1.SessionService/%4Cogin",
        "/roster.session.v1.SessionService/./Login",
        "/roster.session.v1.AuthenticationService/Authenticate",
        "/roster.identity.v1.CredentialService/VerifyPassword",
        "/roster.identity.v1.SubjectLedgerService/ListSubjectStates",
        "/roster.subject.v1.SubjectDataService/CountSubjectData",
        "/",
        "/nothing/here",
    ] {
        let (code, _) = edge.call(path, &[("authorization", "Bearer admin")]).await;
        assert_eq!(code, Code::Unimplemented, "{path}");
        assert!(edge.seen().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn only_native_grpc_is_spoken() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS, Method::HEAD] {
        let mut request = grpc(LOGIN, &[]);
        *request.method_mut() = method.clone();
        let response = edge.send(request).await;
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), Code::InvalidArgument, "{method}");
    }
    for content_type in ["text/plain", "application/json", "application/grpc+json", ""] {
        let mut request = grpc(LOGIN, &[]);
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        let response = edge.send(request).await;
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), Code::InvalidArgument, "{content_type}");
    }
    // There, nobody could tell how a call ended.
    let mut request = grpc(LOGIN, &[]);
    *request.version_mut() = Version::HTTP_11;
    let status = Status::from_header_map(edge.send(request).await.headers()).unwrap();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(edge.seen().is_empty());
}

#[tokio::test]
async fn credentials_must_be_one_bearer_token_and_no_cookie() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    let bearer = ("authorization", "Bearer user");
    let cases: [(&[(&str, &str)], Code); 6] = [
        (&[bearer], Code::Ok),
        (&[("cookie", "session=user")], Code::Unauthenticated),
        (&[bearer, ("cookie", "session=user")], Code::InvalidArgument),
        (&[bearer, bearer], Code::InvalidArgument),
        (&[("authorization", "Basic dXNlcjp1c2Vy")], Code::Unauthenticated),
        (&[("authorization", "user")], Code::Unauthenticated),
    ];
    for (headers, expected) in cases {
        let (code, _) = edge.call(GET_PROFILE, headers).await;
        assert_eq!(code, expected, "{headers:?}");
        assert_eq!(edge.seen().len(), usize::from(expected == Code::Ok), "{headers:?}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let config = GatewayConfig { max_message_bytes: 1_024, ..GatewayConfig::default() };
    let edge = Edge::new(&config).await;
    for (bytes, expected) in [(1_000, Code::Ok), (1_000_000, Code::ResourceExhausted)] {
        let mut request = grpc(LOGIN, &[]);
        *request.body_mut() = axum::body::Body::from(vec![0; bytes]);
        let response = edge.send(request).await;
        assert_eq!(ended(response).await.code(), expected);
    }
}

#[tokio::test]
async fn what_comes_behind_a_message_goes_no_further() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-roster-actor", "admin".parse().unwrap());
    let mut request = grpc(LOGIN, &[]);
    let message = Full::new(bytes::Bytes::from_static(&[0; 5]));
    let body = message.with_trailers(async move { Some(Ok(trailers)) });
    *request.body_mut() = axum::body::Body::new(body);
    assert_eq!(ended(edge.send(request).await).await.code(), Code::Ok);
}
