//! Who is not let in.

use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use roster_kernel::{Actor, Caller, ServiceName};
use roster_peers::{IdentityConfig, assertion};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        version::TLS13,
    },
};
use tonic::{Status, body::Body};
use tonic_types::StatusExt;

use crate::world::{
    Authority, COUNT, INTERNAL, USER, World, call, expired, issue, params, proper, request,
    self_signed, service, with,
};

const UNREACHABLE: &str = "UPSTREAM_UNREACHABLE";

/// A call with headers of the test's own making, over a connection that shows
/// `identity`, or no certificate at all.
async fn raw(
    world: &World,
    identity: Option<&IdentityConfig>,
    request: http::Request<Body>,
) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(world.authority.pem().as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(identity) => {
            let chain = CertificateDer::from_pem_file(&identity.certificate).unwrap();
            let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
            builder.with_client_auth_cert(vec![chain], key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let broken = |error: &dyn std::fmt::Display| format!("broken: {error}");
    let socket = TcpStream::connect(world.address).await.unwrap();
    let name = "session".try_into().unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await;
    let stream = TokioIo::new(stream.map_err(|error| broken(&error))?);
    let http = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await;
    let (mut sender, connection) = http.map_err(|error| broken(&error))?;
    let mut request = request;
    *request.uri_mut() = format!("https://session{}", request.uri()).parse().unwrap();
    let answer = tokio::select! {
        answer = async { sender.send_request(request).await } => answer,
        Err(error) = connection => Err(error),
    };
    let answer = answer.map_err(|error| broken(&error))?;
    let status = Status::from_header_map(answer.headers()).unwrap();
    status.get_details_error_info().map_or(Ok(()), |info| Err(info.reason))
}

#[tokio::test]
async fn certificates_that_do_not_count_open_no_connection() {
    let world = World::new().await;
    let folder = world.folder.path();
    let stranger = Authority::new();
    let of_stranger = issue(folder, "stranger", &stranger, &world.authority, &proper("gateway"));
    let of_nobody = self_signed(folder, &world.authority, &proper("gateway"));
    let of_past = world.issue("past", &expired("gateway"));
    for identity in [Some(&of_stranger), Some(&of_nobody), Some(&of_past), None] {
        let refused = raw(&world, identity, request(INTERNAL, service("gateway"))).await;
        let reason = refused.expect_err("no certificate that counts");
        assert!(reason.starts_with("broken: "), "{reason}");
    }
    // What the services themselves make of it.
    for identity in [&of_stranger, &of_nobody, &of_past] {
        let upstream = world.to_session(identity, Some(world.signer("first")));
        assert!(call(&upstream, request(INTERNAL, service("gateway"))).await.is_err());
    }
    assert!(world.nothing_seen());
    let good = world.issue("good", &proper("gateway"));
    raw(&world, Some(&good), request(INTERNAL, service("gateway"))).await.unwrap();
    call(&world.gateway(), request(INTERNAL, service("gateway"))).await.unwrap();
    assert_eq!(world.seen().caller, Some(service("gateway")));
}

#[tokio::test]
async fn a_service_that_is_another_one_is_not_spoken_to() {
    for wrong in [proper("persona"), expired("session")] {
        let world = World::showing(&wrong).await;
        let refused = call(&world.gateway(), request(INTERNAL, service("gateway"))).await;
        assert_eq!(refused, Err(UNREACHABLE.to_owned()));
        assert!(world.nothing_seen());
    }
    let world = World::new().await;
    let stranger = Authority::new();
    let folder = world.folder.path();
    let deceived = issue(folder, "deceived", &world.authority, &stranger, &proper("gateway"));
    let upstream = world.to_session(&deceived, None);
    let refused = call(&upstream, request(INTERNAL, service("gateway"))).await;
    assert_eq!(refused, Err(UNREACHABLE.to_owned()));
}

#[tokio::test]
async fn a_certificate_that_names_no_service_is_nobodys() {
    let world = World::new().await;
    let two = {
        let mut two = proper("gateway");
        two.subject_alt_names.extend(proper("identity").subject_alt_names);
        two
    };
    for (index, odd) in [
        params("gateway", "spiffe://elsewhere/roster/gateway"),
        params("gateway", "spiffe://roster.internal/gateway"),
        params("gateway", "spiffe://roster.internal/roster/gateway/more"),
        params("gateway", "spiffe://roster.internal/roster/gateway?more"),
        params("gateway", "https://roster.internal/roster/gateway"),
        two,
    ]
    .iter()
    .enumerate()
    {
        let identity = world.issue("odd", odd);
        let upstream = world.to_session(&identity, Some(world.signer("first")));
        for asked in [request(INTERNAL, service("gateway")), request(USER, world.user())] {
            assert_eq!(call(&upstream, asked).await, Err("PEER_UNKNOWN".to_owned()), "{index}");
        }
    }
    assert!(world.nothing_seen());
}

#[tokio::test]
async fn a_service_may_do_what_is_listed_for_it_and_no_more() {
    let world = World::new().await;
    let to = |name: &str| world.to_session(&world.issue(name, &proper(name)), None);
    let not_listed = Err("PEER_NOT_ALLOWED".to_owned());
    for (name, path, expected) in [
        ("gateway", INTERNAL, Ok(())),
        ("identity", COUNT, Ok(())),
        ("identity", INTERNAL, not_listed.clone()),
        ("persona", INTERNAL, not_listed.clone()),
        ("gateway", COUNT, not_listed.clone()),
        ("gateway", USER, not_listed.clone()),
        ("persona", USER, not_listed),
    ] {
        // Whoever it says that it is, the certificate is what counts.
        let called = call(&to(name), request(path, service("gateway"))).await;
        assert_eq!(called, expected, "{name} {path}");
        if expected.is_ok() {
            assert_eq!(world.seen().caller, Some(service(name)));
        }
    }
    assert!(world.nothing_seen());
}

#[tokio::test]
async fn an_assertion_counts_from_the_gateway_only_and_only_as_it_was_made() {
    let world = World::new().await;
    let gateway = world.issue("gateway", &proper("gateway"));
    let persona = world.issue("persona", &proper("persona"));
    let signer = world.signer("first");
    let user = world.user();
    let sign = |audience| signer.sign(&user, &ServiceName::from_static(audience)).unwrap();
    let good = sign("session");
    let asked = |assertion: &str| with(request(USER, user.clone()), assertion::HEADER, assertion);
    let reason = |reason: &str| Err(reason.to_owned());

    raw(&world, Some(&gateway), asked(&good)).await.unwrap();
    assert_eq!(world.seen().caller, Some(user.clone()));
    let by_persona = raw(&world, Some(&persona), asked(&good)).await;
    assert_eq!(by_persona, reason("ASSERTION_PEER"));
    let for_identity = raw(&world, Some(&gateway), asked(&sign("identity"))).await;
    assert_eq!(for_identity, reason("ASSERTION_AUDIENCE"));
    let altered = good.replacen("v4.public.e", "v4.public.f", 1);
    let altered = raw(&world, Some(&gateway), asked(&altered)).await;
    assert_eq!(altered, reason("ASSERTION_SIGNATURE"));
    let twice = with(asked(&good), assertion::HEADER, &good);
    assert_eq!(raw(&world, Some(&gateway), twice).await, reason("HEADER_MALFORMED"));
    // An assertion opens nothing that is the gateway's own.
    let internal = with(request(INTERNAL, user.clone()), assertion::HEADER, &good);
    assert_eq!(raw(&world, Some(&gateway), internal).await, reason("INTERNAL_ONLY"));
    let without = raw(&world, Some(&gateway), request(USER, user.clone())).await;
    assert_eq!(without, reason("PEER_NOT_ALLOWED"));
    world.clock.advance(std::time::Duration::from_secs(12));
    assert_eq!(raw(&world, Some(&gateway), asked(&good)).await, reason("ASSERTION_EXPIRED"));
    assert!(world.nothing_seen());
}

#[tokio::test]
async fn what_a_client_says_of_itself_is_taken_off() {
    let world = World::new().await;
    let gateway = world.gateway();
    let admin = world.signer("first").sign(&world.user(), &ServiceName::from_static("session"));
    let anonymous = Caller { actor: Actor::Anonymous, ..world.user() };
    let asked = with(request(USER, anonymous), assertion::HEADER, &admin.unwrap());
    let asked = with(asked, http::HeaderName::from_static("roster-origin"), "e30");
    assert_eq!(call(&gateway, asked).await, Err("UNAUTHENTICATED".to_owned()));
    assert!(world.nothing_seen());
}
