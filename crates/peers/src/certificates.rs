//! A service's own certificate, and the authority that it takes others' from:
//! read again when the files change.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use roster_kernel::ServiceName;
use roster_server::{Listener, private};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ClientConfig, RootCertStore, ServerConfig,
        client::Resumption,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier},
        version::TLS13,
    },
    server::TlsStream,
};

use crate::TrustDomain;

/// The protocol that is spoken behind the handshake.
pub const HTTP2: &[u8] = b"h2";

/// Where a service's certificate is, and whose it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// The certificate and those that lead to its authority, as PEM. It names
    /// the service twice: as a DNS name (`session`), for those who call it,
    /// and as a URI (`spiffe://roster.internal/roster/session`), for those
    /// whom it calls.
    pub certificate: PathBuf,
    /// The certificate's private key, as PEM: a file that its owner alone can
    /// read.
    pub key: PathBuf,
    /// The authorities whose certificates count, as PEM: several while one
    /// takes the place of another.
    pub authority: PathBuf,
    /// In which domain names are valid.
    pub trust_domain: TrustDomain,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("cannot read {0}")]
    Unreadable(PathBuf, #[source] io::Error),
    /// Others could read the key.
    #[error("{0} must be readable by its owner only: chmod 600 {0}")]
    Exposed(PathBuf),
    /// A file does not hold what it should.
    #[error("{path} holds no usable {expected} in PEM form")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// Certificate and key do not belong together, or cannot be used.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// The authorities cannot be used.
    #[error("the authorities cannot be used: {0}")]
    Authority(#[from] VerifierBuilderError),
}

/// What a service shows of itself at the moment, and whom it believes.
#[derive(Debug)]
pub struct Identity {
    config: IdentityConfig,
    current: RwLock<Current>,
}

/// Both ends of a handshake.
#[derive(Clone, Debug)]
pub struct Current {
    pub server: Arc<ServerConfig>,
    pub client: Arc<ClientConfig>,
    /// Tells one content of the files from another.
    pub generation: u64,
    /// Which service the certificate is for.
    service: Option<ServiceName>,
    /// What was read last, whether it could be used or not.
    read: u64,
}

impl Identity {
    /// Reads the files that `config` names.
    pub fn load(config: &IdentityConfig) -> Result<Arc<Self>, IdentityError> {
        let current = Files::read(config)?.current(config)?;
        Ok(Arc::new(Self { config: config.clone(), current: RwLock::new(current) }))
    }

    /// The service that the certificate names; nothing where it names none of
    /// the trust domain.
    #[must_use]
    pub fn service(&self) -> Option<ServiceName> {
        self.current().service
    }

    /// Reads the files again where they have changed. Calls that are open come
    /// to their end; new ones are made and taken over connections with the new
    /// certificate. What cannot be used is told to the log, once, and changes
    /// nothing.
    pub fn refresh(&self) {
        match self.try_refresh() {
            Ok(false) => {}
            Ok(true) => tracing::info!("service certificate replaced"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "service certificate not replaced: the old one stays");
            }
        }
    }

    fn try_refresh(&self) -> Result<bool, IdentityError> {
        let files = Files::read(&self.config)?;
        let fingerprint = files.fingerprint();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.read == fingerprint {
            return Ok(false);
        }
        current.read = fingerprint;
        *current = files.current(&self.config)?;
        Ok(true)
    }

    pub(crate) fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The files as they are.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authority: Vec<u8>,
}

impl Files {
    fn read(config: &IdentityConfig) -> Result<Self, IdentityError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            |error| IdentityError::Unreadable(path, error)
        };
        let key = &config.key;
        if private::is_exposed(&fs::metadata(key).map_err(unreadable(key))?) {
            return Err(IdentityError::Exposed(key.clone()));
        }
        let read = |path: &Path| fs::read(path).map_err(unreadable(path));
        Ok(Self {
            certificate: read(&config.certificate)?,
            key: read(key)?,
            authority: read(&config.authority)?,
        })
    }

    /// Tells one content from another; it is no proof of anything.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.certificate, &self.key, &self.authority).hash(&mut hasher);
        hasher.finish()
    }

    fn current(&self, config: &IdentityConfig) -> Result<Current, IdentityError> {
        let chain = certificates(&self.certificate, &config.certificate)?;
        let service = chain.first().and_then(|it| config.trust_domain.service(it));
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| malformed(&config.key, "private key"))?;
        let mut roots = RootCertStore::empty();
        for authority in certificates(&self.authority, &config.authority)? {
            roots.add(authority)?;
        }
        let (roots, provider) = (Arc::new(roots), Arc::new(ring::default_provider()));

        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
                .build()?;
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), key.clone_key())?;
        server.alpn_protocols = vec![HTTP2.to_vec()];
        // A ticket would outlive the certificate that it was given for.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;

        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        client.alpn_protocols = vec![HTTP2.to_vec()];
        client.resumption = Resumption::disabled();

        let generation = self.fingerprint();
        let (server, client) = (Arc::new(server), Arc::new(client));
        Ok(Current { server, client, generation, service, read: generation })
    }
}

fn malformed(path: &Path, expected: &'static str) -> IdentityError {
    IdentityError::Malformed { path: path.to_owned(), expected }
}

fn certificates(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or_else(|| malformed(path, "certificate"))
}

/// A listener for the services of the installation: whoever connects shows a
/// certificate of its authority.
#[derive(Debug)]
pub struct PeerListener {
    listener: TcpListener,
    identity: Arc<Identity>,
}

impl PeerListener {
    /// Shows `identity` to whoever connects to `listener`.
    #[must_use]
    pub const fn new(listener: TcpListener, identity: Arc<Identity>) -> Self {
        Self { listener, identity }
    }
}

/// A connection of a peer that has shown its certificate.
#[derive(Debug)]
pub struct PeerStream {
    stream: TlsStream<TcpStream>,
    service: Option<ServiceName>,
}

impl Listener for PeerListener {
    type Stream = PeerStream;
    type Opening = BoxFuture<'static, io::Result<PeerStream>>;

    async fn accept(&self) -> io::Result<(Self::Opening, Option<SocketAddr>)> {
        let (opening, peer) = Listener::accept(&self.listener).await?;
        let acceptor = TlsAcceptor::from(self.identity.current().server);
        let domain = self.identity.config.trust_domain.clone();
        let opening = async move {
            let stream = acceptor.accept(opening.await?).await?;
            let session = stream.get_ref().1;
            if session.alpn_protocol() != Some(HTTP2) {
                return Err(io::Error::other("the peer does not say that it speaks HTTP/2"));
            }
            let shown = session.peer_certificates().and_then(<[_]>::first);
            let service = shown.and_then(|certificate| domain.service(certificate));
            Ok(PeerStream { stream, service })
        };
        Ok((Box::pin(opening), peer))
    }

    fn peer_service(stream: &PeerStream) -> Option<ServiceName> {
        stream.service.clone()
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
