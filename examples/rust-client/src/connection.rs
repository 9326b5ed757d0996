//! Where Roster is, and what lets the program in.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use roster_proto::identity::v1::user_admin_service_client::UserAdminServiceClient;
use secrecy::{ExposeSecret as _, SecretString};
use tonic::{
    Request, Status,
    metadata::AsciiMetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

/// How long it may take until there is a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Where Roster is.
#[derive(Clone, Debug)]
pub struct Server {
    /// `https://host:port`, or `http://` of the same machine.
    pub address: String,
    /// The authority to believe, as PEM; those that the machine knows are not
    /// asked. None where the address begins with `http://`.
    pub authority: Option<PathBuf>,
}

/// What lets the program in.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A machine token: through the edge, in the name of whoever issued it.
    Token(SecretString),
    /// A certificate and its key, as PEM: to the identity service itself, on the
    /// program's own account, for what its `peers.allow` lists.
    Certificate {
        /// The certificate.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
}

/// Calls with whatever lets the program in.
pub type Connection = UserAdminServiceClient<InterceptedService<Channel, Bearer>>;

/// Attaches the token to each call, if there is one.
#[derive(Clone, Debug)]
pub struct Bearer(Option<AsciiMetadataValue>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// Connects. One connection is enough for a program: calls share it, and it is
/// made again when it breaks.
pub async fn connect(server: &Server, credential: &Credential) -> anyhow::Result<Connection> {
    let endpoint = Endpoint::from_shared(server.address.clone())?
        .user_agent("roster-example-client/0.1")?
        .connect_timeout(CONNECT_WITHIN)
        // A connection that died unnoticed is found out.
        .http2_keep_alive_interval(Duration::from_secs(30));
    let endpoint = match (&server.authority, credential) {
        (None, Credential::Token(_)) => plain(endpoint)?,
        (None, Credential::Certificate { .. }) => bail!("a certificate is of use with TLS only"),
        (Some(authority), credential) => endpoint.tls_config(tls(authority, credential)?)?,
    };
    let channel = endpoint.connect().await.with_context(|| server.address.clone())?;
    let bearer = match credential {
        Credential::Token(token) => {
            let mut value: AsciiMetadataValue =
                format!("Bearer {}", token.expose_secret()).parse().context("no token")?;
            // Nothing that prints headers prints this one.
            value.set_sensitive(true);
            Some(value)
        }
        Credential::Certificate { .. } => None,
    };
    Ok(UserAdminServiceClient::with_interceptor(channel, Bearer(bearer)))
}

/// Without encryption a token goes no further than this machine.
fn plain(endpoint: Endpoint) -> anyhow::Result<Endpoint> {
    let host = endpoint.uri().host().unwrap_or_default();
    if !["localhost", "127.0.0.1", "[::1]"].contains(&host) {
        bail!("{host} is another machine: connect to it with https, and name its authority");
    }
    Ok(endpoint)
}

fn tls(authority: &PathBuf, credential: &Credential) -> anyhow::Result<ClientTlsConfig> {
    let read = |file: &PathBuf| fs::read(file).with_context(|| file.display().to_string());
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(authority)?));
    Ok(match credential {
        Credential::Token(_) => tls,
        // A certificate between services names the service, not the machine.
        Credential::Certificate { certificate, key } => {
            tls.domain_name("identity").identity(Identity::from_pem(read(certificate)?, read(key)?))
        }
    })
}
