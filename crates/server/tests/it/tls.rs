//! Encrypted connections, and certificates that are replaced.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use axum::Extension;
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use roster_proto::session::v1::authentication_service_client::AuthenticationServiceClient;
use roster_server::{
    Limits,
    metrics::{ConnectionMeter, Meters},
    serve,
    tls::{Certificates, TlsConfig, TlsError, TlsListener},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
        version::{TLS12, TLS13},
    },
};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

use crate::{
    serve::closed,
    world::{ANSWER, World, order, service},
};

/// A self-signed certificate in files.
struct Issued {
    config: TlsConfig,
    der: CertificateDer<'static>,
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn issue(folder: &TempDir) -> Issued {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let config = TlsConfig {
        certificate: folder.path().join("certificate.pem"),
        key: folder.path().join("key.pem"),
    };
    write(&config.certificate, &cert.pem(), 0o644);
    write(&config.key, &signing_key.serialize_pem(), 0o600);
    Issued { config, der: cert.der().clone() }
}

struct Served {
    world: World,
    folder: TempDir,
    issued: Issued,
    certificates: Arc<Certificates>,
    address: SocketAddr,
}

impl Served {
    #[expect(clippy::disallowed_methods, reason = "the server runs beside the test")]
    async fn new(limits: Limits) -> Self {
        let world = World::new();
        let folder = tempfile::tempdir().unwrap();
        let issued = issue(&folder);
        let certificates = Certificates::load(&issued.config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TlsListener::new(listener, Arc::clone(&certificates));
        let edge = world.routes.clone().into_axum_router().layer(Extension(service()));
        let meter = ConnectionMeter::new(&Meters::none());
        tokio::spawn(serve(listener, edge, limits, meter, CancellationToken::new()));
        Self { world, folder, issued, certificates, address }
    }

    /// A handshake by a client that trusts `trusted` and names `protocols`.
    async fn handshake(
        &self,
        trusted: &CertificateDer<'static>,
        protocols: &[&[u8]],
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let socket = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, socket).await
    }

    /// A client that trusts `trusted`, on the one connection that it gets.
    async fn open(
        &self,
        trusted: &CertificateDer<'static>,
    ) -> std::io::Result<AuthenticationServiceClient<Channel>> {
        let stream = self.handshake(trusted, &[b"h2"], &[&TLS13]).await?;
        let mut stream = Some(TokioIo::new(stream));
        let connect = tower::service_fn(move |_: http::Uri| {
            std::future::ready(stream.take().ok_or_else(|| std::io::Error::other("one connection")))
        });
        let endpoint = Endpoint::from_static("http://localhost");
        let channel = endpoint.connect_with_connector(connect).await.unwrap();
        Ok(AuthenticationServiceClient::new(channel))
    }

    /// Makes a call by a client that trusts `trusted`.
    async fn call(&self, trusted: &CertificateDer<'static>) -> std::io::Result<()> {
        let mut client = self.open(trusted).await?;
        client.authenticate(order(ANSWER)).await.map(drop).map_err(std::io::Error::other)
    }
}

#[tokio::test]
async fn a_call_is_answered_over_both_versions_of_tls() {
    let served = Served::new(Limits::default()).await;
    served.call(&served.issued.der).await.unwrap();
    assert!(served.world.puppet.seen().peer.unwrap().0.ip().is_loopback());
    for (version, name) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)]
    {
        let stream = served.handshake(&served.issued.der, &[b"h2"], &[version]).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(name));
        assert_eq!(session.alpn_protocol(), Some(&b"h2"[..]));
    }
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_and_nothing_else() {
    let served = Served::new(Limits::default()).await;
    for (offered, chosen) in [
        (&[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let stream = served.handshake(&served.issued.der, offered, &[&TLS13]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
    }
    let other = served.handshake(&served.issued.der, &[b"spdy/3"], &[&TLS13]).await;
    assert!(other.is_err());
}

#[tokio::test]
async fn what_is_no_handshake_is_sent_away() {
    let limits = Limits { handshake_seconds: 1, ..Limits::default() };
    let served = Served::new(limits).await;
    let mut plaintext = TcpStream::connect(served.address).await.unwrap();
    plaintext.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    closed(&mut plaintext).await;
    // Silence, at once or in the middle; and silence after the handshake.
    let mut silent = TcpStream::connect(served.address).await.unwrap();
    closed(&mut silent).await;
    let mut begun = TcpStream::connect(served.address).await.unwrap();
    begun.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
    closed(&mut begun).await;
    let opened = served.handshake(&served.issued.der, &[b"h2"], &[&TLS13]).await.unwrap();
    closed(&mut opened.into_inner().0).await;
}

#[tokio::test]
async fn versions_before_1_2_are_refused() {
    // The beginning of a handshake (RFC 5246, 7.4.1.2) that offers TLS 1.1 at
    // most, with one cipher suite, no compression and one kind of signature.
    let suite = [0, 0, 2, 0xc0, 0x13, 1, 0];
    let signature = [0, 8, 0, 13, 0, 4, 0, 2, 4, 3];
    let hello = [&[3, 2][..], &[7; 32], &suite, &signature].concat();
    let length = u8::try_from(hello.len()).unwrap();
    let record = [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat();
    // The time for a handshake is not what ends it.
    let limits = Limits { handshake_seconds: 3_600, ..Limits::default() };
    let served = Served::new(limits).await;
    let mut old = TcpStream::connect(served.address).await.unwrap();
    old.write_all(&record).await.unwrap();
    let mut alert = [0; 7];
    old.read_exact(&mut alert).await.unwrap();
    // An alert: fatal, protocol_version (RFC 8446, 6).
    assert_eq!((alert[0], &alert[5..]), (21, &[2, 70][..]));
    closed(&mut old).await;
}

#[tokio::test]
async fn a_new_certificate_leaves_open_connections_alone() {
    let served = Served::new(Limits::default()).await;
    let mut open = served.open(&served.issued.der).await.unwrap();
    open.authenticate(order(ANSWER)).await.unwrap();
    issue(&served.folder);
    served.certificates.refresh();
    served.call(&served.issued.der).await.unwrap_err();
    open.authenticate(order(ANSWER)).await.unwrap();
}

#[tokio::test]
async fn a_new_certificate_takes_the_place_of_the_old_one() {
    let served = Served::new(Limits::default()).await;
    let old = &served.issued.der;
    let new = issue(&served.folder);
    served.call(&new.der).await.unwrap_err();
    served.certificates.refresh();
    served.call(&new.der).await.unwrap();
    served.call(old).await.unwrap_err();
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_changes_nothing() {
    let served = Served::new(Limits::default()).await;
    let good = fs::read_to_string(&served.issued.config.key).unwrap();
    let foreign = tempfile::tempdir().unwrap();
    let foreign = fs::read_to_string(&issue(&foreign).config.key).unwrap();
    for (text, mode) in [("", 0o600), ("nonsense", 0o600), (&foreign, 0o600), (&good, 0o644)] {
        write(&served.issued.config.key, text, mode);
        served.certificates.refresh();
        served.call(&served.issued.der).await.unwrap();
    }
    fs::remove_file(&served.issued.config.certificate).unwrap();
    served.certificates.refresh();
    served.call(&served.issued.der).await.unwrap();
}

#[test]
fn what_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = issue(&folder).config;
    let key = fs::read_to_string(&config.key).unwrap();
    let refused = || Certificates::load(&config).unwrap_err();
    write(&config.key, &key, 0o640);
    assert!(matches!(refused(), TlsError::Exposed(_)));
    write(&config.key, "nonsense", 0o600);
    assert!(matches!(refused(), TlsError::Malformed { expected: "private key", .. }));
    let foreign = tempfile::tempdir().unwrap();
    write(&config.key, &fs::read_to_string(&issue(&foreign).config.key).unwrap(), 0o600);
    assert!(matches!(refused(), TlsError::Unusable(_)));
    write(&config.certificate, "", 0o644);
    assert!(matches!(refused(), TlsError::Malformed { expected: "certificate", .. }));
    fs::remove_file(&config.key).unwrap();
    assert!(matches!(refused(), TlsError::Unreadable(..)));
}
