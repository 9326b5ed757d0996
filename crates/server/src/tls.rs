//! TLS on a listener (RFC 8446, RFC 5246), for HTTP/2 and nothing else
//! (RFC 9113, 3.2), with certificates that are replaced while it serves.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use chrono::DateTime;
use futures_util::future::BoxFuture;
use roster_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
    server::TlsStream,
};
use x509_parser::parse_x509_certificate;

use crate::{Listener, private};

/// The protocol that is spoken behind the handshake, as ALPN (RFC 7301) names
/// it.
const HTTP2: &[u8] = b"h2";
const HTTP11: &[u8] = b"http/1.1";

/// Where the certificate is; empty for a listener without TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate and those that lead to its authority, as PEM.
    pub certificate: PathBuf,
    /// The certificate's private key, as PEM: a file that its owner alone can
    /// read.
    pub key: PathBuf,
}

impl TlsConfig {
    /// Whether there is to be TLS.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.certificate.as_os_str().is_empty()
    }

    /// Says what is wrong with the settings, naming the key.
    pub fn validate(&self) -> Result<(), String> {
        if self.is_set() == self.key.as_os_str().is_empty() {
            return Err("certificate and key are set together, or neither".to_owned());
        }
        Ok(())
    }
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
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
}

/// The certificate that a listener shows at the moment.
#[derive(Debug)]
pub struct Certificates {
    config: TlsConfig,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    usable: Usable,
    /// What was read last, whether it could be used or not.
    read: u64,
}

/// A certificate with its key.
#[derive(Debug)]
struct Usable {
    server: Arc<ServerConfig>,
    expires_at: Timestamp,
}

/// The two files as they are.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Certificates {
    /// Reads the files that `config` names.
    pub fn load(config: &TlsConfig) -> Result<Arc<Self>, TlsError> {
        let files = Files::read(config)?;
        let current = Current { usable: files.usable(config)?, read: files.fingerprint() };
        Ok(Arc::new(Self { config: config.clone(), current: RwLock::new(current) }))
    }

    /// Reads the files again where they have changed. Connections that are
    /// open stay as they are; new ones get the new certificate. What cannot be
    /// used is told to the log, once, and changes nothing.
    pub fn refresh(&self) {
        match self.try_refresh() {
            Ok(false) => {}
            Ok(true) => tracing::info!("certificate replaced"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "certificate not replaced: the old one stays in use");
            }
        }
    }

    fn try_refresh(&self) -> Result<bool, TlsError> {
        // A file may be missing for a moment while it is replaced; one that
        // stays away is told each time.
        let files = Files::read(&self.config)?;
        let fingerprint = files.fingerprint();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.read == fingerprint {
            return Ok(false);
        }
        current.read = fingerprint;
        current.usable = files.usable(&self.config)?;
        Ok(true)
    }

    fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current.usable.server))
    }

    /// From when on clients will not accept the certificate any more.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.current.read().unwrap_or_else(PoisonError::into_inner).usable.expires_at
    }
}

impl Files {
    fn read(config: &TlsConfig) -> Result<Self, TlsError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            |error| TlsError::Unreadable(path, error)
        };
        let key = &config.key;
        if private::is_exposed(&fs::metadata(key).map_err(unreadable(key))?) {
            return Err(TlsError::Exposed(key.clone()));
        }
        let certificate = &config.certificate;
        Ok(Self {
            certificate: fs::read(certificate).map_err(unreadable(certificate))?,
            key: fs::read(key).map_err(unreadable(key))?,
        })
    }

    /// Tells one content from another; it is no proof of anything.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.certificate, &self.key).hash(&mut hasher);
        hasher.finish()
    }

    fn usable(&self, config: &TlsConfig) -> Result<Usable, TlsError> {
        let malformed = |path: &Path, expected| TlsError::Malformed { path: path.into(), expected };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .ok()
            .filter(|chain: &Vec<_>| !chain.is_empty())
            .ok_or_else(|| malformed(&config.certificate, "certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| malformed(&config.key, "private key"))?;
        let expires_at = chain.first().and_then(expiry);
        let expires_at = expires_at.ok_or_else(|| malformed(&config.certificate, "certificate"))?;
        let provider = Arc::new(ring::default_provider());
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        server.alpn_protocols = vec![HTTP2.to_vec(), HTTP11.to_vec()];
        Ok(Usable { server: Arc::new(server), expires_at })
    }
}

/// The end of a certificate's validity (RFC 5280, 4.1.2.5).
fn expiry(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_rest, parsed) = parse_x509_certificate(certificate).ok()?;
    DateTime::from_timestamp(parsed.validity().not_after.timestamp(), 0)
}

/// A listener whose connections are encrypted.
#[derive(Debug)]
pub struct TlsListener {
    listener: TcpListener,
    certificates: Arc<Certificates>,
}

impl TlsListener {
    /// Shows `certificates` to whoever connects to `listener`.
    #[must_use]
    pub const fn new(listener: TcpListener, certificates: Arc<Certificates>) -> Self {
        Self { listener, certificates }
    }
}

impl Listener for TlsListener {
    type Stream = TlsStream<TcpStream>;
    type Opening = BoxFuture<'static, io::Result<TlsStream<TcpStream>>>;

    const ENCRYPTED: bool = true;

    async fn accept(&self) -> io::Result<(Self::Opening, Option<SocketAddr>)> {
        let (opening, peer) = Listener::accept(&self.listener).await?;
        let acceptor = self.certificates.acceptor();
        let opening = async move { acceptor.accept(opening.await?).await };
        Ok((Box::pin(opening), peer))
    }
}
