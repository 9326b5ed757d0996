//! Which service a certificate is for.

use std::{fmt, str::FromStr};

use http::Uri;
use roster_kernel::ServiceName;
use serde::{Deserialize, Serialize};
use tokio_rustls::rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

/// Where an installation's names are valid: `roster.internal` in
/// `spiffe://roster.internal/roster/session`. Two installations under one
/// authority are told apart by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrustDomain(String);

impl Default for TrustDomain {
    fn default() -> Self {
        Self("roster.internal".to_owned())
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TrustDomain {
    /// How `service` is named in its certificate (SPIFFE ID, 2).
    #[must_use]
    pub fn id(&self, service: &ServiceName) -> String {
        format!("spiffe://{self}/roster/{service}")
    }

    /// The service that `certificate` is for: it has one name as a URI, as an
    /// X.509-SVID does, and it is one of this domain.
    #[must_use]
    pub fn service(&self, certificate: &CertificateDer<'_>) -> Option<ServiceName> {
        let certificate = EndEntityCert::try_from(certificate).ok()?;
        let mut names = certificate.valid_uri_names();
        let (Some(only), None) = (names.next(), names.next()) else { return None };
        let uri = Uri::from_str(only).ok()?;
        let name = ServiceName::parse(uri.path().strip_prefix("/roster/")?)?;
        // What is not the one way to write the name is not the name.
        (self.id(&name) == only).then_some(name)
    }
}
