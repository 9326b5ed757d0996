//! An authority, services with certificates, and one that remembers who
//! called.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::Request, middleware::from_fn_with_state, response::Response};
use http::{HeaderMap, HeaderName};
use pasetors::{
    keys::{AsymmetricKeyPair, Generate as _},
    paserk::FormatAsPaserk,
    version4::V4,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType, date_time_ymd,
};
use roster_kernel::{
    Actor, Caller, Deadline, Env, Origin, ServiceName, SessionId, UserActor, UserId,
};
use roster_peers::{
    AllowList, Gate, Identity, IdentityConfig, PeerListener, Target, TrustDomain,
    assertion::{PublicKeys, Signer, SigningKey, Verifier},
    connect, layer,
};
use roster_server::{
    AccessTable, Limits, PeerAddr, ServiceStack, Upstream,
    metrics::{ConnectionMeter, Meters},
    serve,
};
use roster_testkit::MockClock;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body, service::Routes};
use tonic_types::StatusExt;
use tower::ServiceExt;

/// For whoever is signed in.
pub const USER: &str = "/roster.session.v1.SessionService/ListSessions";
/// For the gateway's own account.
pub const INTERNAL: &str = "/roster.session.v1.AuthenticationService/Authenticate";
/// For identity's own account.
pub const COUNT: &str = "/roster.subject.v1.SubjectDataService/CountSubjectData";

/// An authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }
}

/// What a certificate says.
pub fn params(service: &str, uri: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![service.to_owned()]).unwrap();
    params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
    params
}

/// The certificate of a service as it ought to be.
pub fn proper(service: &str) -> CertificateParams {
    let name = ServiceName::parse(service).unwrap();
    params(service, &TrustDomain::default().id(&name))
}

/// The same, of long ago.
pub fn expired(service: &str) -> CertificateParams {
    let mut params = proper(service);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2020, 1, 2);
    params
}

pub fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn paserk(key: &impl FormatAsPaserk) -> String {
    let mut text = String::new();
    key.fmt(&mut text).unwrap();
    text
}

/// What a call came with.
#[derive(Clone, Debug)]
pub struct Seen {
    pub caller: Option<Caller>,
    pub deadline: Option<Deadline>,
    pub peer: Option<PeerAddr>,
    pub headers: HeaderMap,
}

/// The session service, as far as it is needed here.
#[derive(Default)]
pub struct Session {
    pub seen: Mutex<Option<Seen>>,
    pub arrived: Notify,
}

pub struct World {
    pub folder: TempDir,
    pub authority: Authority,
    pub clock: Arc<MockClock>,
    pub env: Env,
    pub session: Arc<Session>,
    pub keys: PublicKeys,
    pub identity: Arc<Identity>,
    pub address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<usize>,
}

impl World {
    pub async fn new() -> Self {
        Self::showing(&proper("session")).await
    }

    /// A session service that shows a certificate of these `params`.
    pub async fn showing(params: &CertificateParams) -> Self {
        let (clock, env) = roster_testkit::env(1);
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let issued = issue(folder.path(), "session", &authority, &authority, params);
        let identity = Identity::load(&issued).unwrap();
        new_keys(folder.path(), &["first"]);
        let keys = PublicKeys::load(&folder.path().join("first.public")).unwrap();
        let session = Arc::new(Session::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let app = app(&session, &keys, &env);
        let served = start(listener, Arc::clone(&identity), app, stop.clone());
        Self { folder, authority, clock, env, session, keys, identity, address, stop, served }
    }

    /// Ends the service; every connection with it.
    pub async fn stop(&mut self) {
        self.stop.cancel();
        (&mut self.served).await.unwrap();
    }

    /// Starts it again where it was.
    pub async fn start(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.stop = CancellationToken::new();
        let app = app(&self.session, &self.keys, &self.env);
        self.served = start(listener, Arc::clone(&self.identity), app, self.stop.clone());
    }

    /// The files of a certificate of `params`, by this authority.
    pub fn issue(&self, name: &str, params: &CertificateParams) -> IdentityConfig {
        issue(self.folder.path(), name, &self.authority, &self.authority, params)
    }

    pub fn signer(&self, key: &str) -> Signer {
        let path = self.folder.path().join(format!("{key}.secret"));
        Signer::new(SigningKey::load(&path).unwrap(), self.env.clone())
    }

    /// The way to the session service for who shows `identity`, and may sign
    /// with `signer`.
    pub fn to_session(&self, identity: &IdentityConfig, signer: Option<Signer>) -> Upstream {
        self.to_session_by(&[self.address], identity, signer)
    }

    /// The same by other ways.
    fn to_session_by(
        &self,
        ways: &[SocketAddr],
        identity: &IdentityConfig,
        signer: Option<Signer>,
    ) -> Upstream {
        let service = ServiceName::from_static("session");
        let target = Target { service, addresses: ways.iter().map(ToString::to_string).collect() };
        connect(target, Identity::load(identity).unwrap(), signer, self.env.clone())
    }

    /// The way of the gateway.
    pub fn gateway(&self) -> Upstream {
        let identity = self.issue("gateway", &proper("gateway"));
        self.to_session(&identity, Some(self.signer("first")))
    }

    /// The gateway's, by other ways.
    pub fn gateway_by(&self, ways: &[SocketAddr]) -> Upstream {
        let identity = self.issue("gateway", &proper("gateway"));
        self.to_session_by(ways, &identity, Some(self.signer("first")))
    }

    pub fn user(&self) -> Caller {
        Caller {
            actor: Actor::User(UserActor {
                user_id: UserId::generate(&self.env),
                session_id: SessionId::generate(&self.env),
                is_admin: false,
                password_change_required: false,
            }),
            origin: Origin { address: Some([192, 0, 2, 7].into()), user_agent: "test".to_owned() },
            correlation_id: "call-1".to_owned(),
        }
    }

    pub fn seen(&self) -> Seen {
        self.session.seen.lock().unwrap().take().expect("a call has come through")
    }

    pub fn nothing_seen(&self) -> bool {
        self.session.seen.lock().unwrap().is_none()
    }
}

/// Makes pairs of keys in files; each public file holds the one key.
pub fn new_keys(folder: &Path, names: &[&str]) {
    for name in names {
        let pair = AsymmetricKeyPair::<V4>::generate().unwrap();
        write(&folder.join(format!("{name}.secret")), &paserk(&pair.secret));
        write(&folder.join(format!("{name}.public")), &paserk(&pair.public));
    }
}

/// A certificate by `by` in files, for somebody who believes `believed`.
pub fn issue(
    folder: &Path,
    name: &str,
    by: &Authority,
    believed: &Authority,
    params: &CertificateParams,
) -> IdentityConfig {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &by.0).unwrap();
    put(folder, name, &certificate.pem(), &key, &believed.pem())
}

/// A certificate that vouches for itself.
pub fn self_signed(
    folder: &Path,
    believed: &Authority,
    params: &CertificateParams,
) -> IdentityConfig {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    put(folder, "self-signed", &certificate.pem(), &key, &believed.pem())
}

fn put(
    folder: &Path,
    name: &str,
    certificate: &str,
    key: &KeyPair,
    authority: &str,
) -> IdentityConfig {
    let file = |what: &str| -> PathBuf { folder.join(format!("{name}.{what}.pem")) };
    let config = IdentityConfig {
        certificate: file("certificate"),
        key: file("key"),
        authority: file("authority"),
        trust_domain: TrustDomain::default(),
    };
    write(&config.key, &key.serialize_pem());
    write(&config.authority, authority);
    write(&config.certificate, certificate);
    config
}

fn app(session: &Arc<Session>, keys: &PublicKeys, env: &Env) -> Router {
    let session = Arc::clone(session);
    let methods = Router::new().fallback(move |request: Request| {
        let session = Arc::clone(&session);
        let (head, _body) = request.into_parts();
        async move { answer(&session, &head).await }
    });
    let access = AccessTable::new(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
    let routes = ServiceStack::new(access, env.clone()).wrap(Routes::from(methods));
    let name = ServiceName::from_static("session");
    let verifier = Verifier::new(keys.clone(), name, Duration::from_secs(2), env.clone());
    let gate = Gate { verifier, allow: AllowList::new([]).unwrap() };
    routes.into_axum_router().layer(from_fn_with_state(gate, layer))
}

async fn answer(session: &Session, head: &http::request::Parts) -> Response {
    let extensions = &head.extensions;
    *session.seen.lock().unwrap() = Some(Seen {
        caller: extensions.get().cloned(),
        deadline: extensions.get().copied(),
        peer: extensions.get().copied(),
        headers: head.headers.clone(),
    });
    if head.headers.contains_key("wait") {
        session.arrived.notify_one();
        std::future::pending::<()>().await;
    }
    Status::ok("").into_http()
}

#[expect(clippy::disallowed_methods, reason = "the server runs beside the test")]
fn start(
    listener: TcpListener,
    identity: Arc<Identity>,
    app: Router,
    stop: CancellationToken,
) -> JoinHandle<usize> {
    let listener = PeerListener::new(listener, identity);
    let limits = Limits { drain_seconds: 1, ..Limits::default() };
    tokio::spawn(serve(listener, app, limits, ConnectionMeter::new(&Meters::none()), stop))
}

/// A call in the name of `caller`.
pub fn request(path: &str, caller: Caller) -> http::Request<Body> {
    let mut request = http::Request::post(path).body(Body::empty()).unwrap();
    request.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    request.extensions_mut().insert(caller);
    request
}

pub fn service(name: &str) -> Caller {
    Caller::service(ServiceName::parse(name).unwrap())
}

pub fn with(
    mut request: http::Request<Body>,
    name: HeaderName,
    value: &str,
) -> http::Request<Body> {
    request.headers_mut().append(name, value.parse().unwrap());
    request
}

/// Makes the call: nothing, or the reason why not.
pub async fn call(upstream: &Upstream, request: http::Request<Body>) -> Result<(), String> {
    let answer = upstream.clone().oneshot(request).await.unwrap();
    let status = Status::from_header_map(answer.headers()).expect("every answer has a status");
    match status.get_details_error_info() {
        Some(info) => Err(info.reason),
        None => Ok(()),
    }
}
