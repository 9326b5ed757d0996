//! Whom a participant hands out what it keeps.

use std::path::Path;

use roster_kernel::{Caller, Env, ServiceName};
use roster_peers::{Identity, IdentityConfig, Target, TrustDomain, connect};
use roster_proto::subject::v1::{
    SumSubjectDataRequest, subject_data_service_client::SubjectDataServiceClient,
};
use roster_suite::dev_certs;
use tonic::{Code, Request, Status};

use super::{installation::Installation, notes::Notes};
use crate::cluster::certificates;

/// A call with the certificate of `service` in `folder`.
async fn ask(folder: &Path, service: &str, address: &str) -> Result<(), Status> {
    let certificate = folder.join(format!("{service}.pem"));
    let identity = Identity::load(&IdentityConfig {
        certificate,
        key: folder.join(format!("{service}.key.pem")),
        // Whoever calls believes the participant: it is the other way round.
        authority: certificates().join("ca.pem"),
        trust_domain: TrustDomain::default(),
    });
    let notes = ServiceName::from_static("notes");
    let target = Target { service: notes, addresses: vec![address.to_owned()] };
    let way = connect(target, identity.unwrap(), None, Env::system());
    let mut client = SubjectDataServiceClient::new(way);
    let mut request = Request::new(SumSubjectDataRequest {});
    request.extensions_mut().insert(Caller::service(ServiceName::from_static("identity")));
    client.sum_subject_data(request).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL, a broker and Python: cargo xtask test has them"]
async fn a_participant_answers_identity_and_nobody_else() {
    let roster = Installation::new().await;
    let notes = Notes::of(&roster);
    let mut running = notes.start();
    let address = running.address().to_string();
    ask(certificates(), "identity", &address).await.unwrap();
    for other in ["session", "gateway", "operator", "notes"] {
        let status = ask(certificates(), other, &address).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{other}: {status:?}");
    }
    // One that says the same, vouched for by somebody else.
    let elsewhere = tempfile::tempdir().unwrap();
    dev_certs(elsewhere.path(), &Env::system()).unwrap();
    let status = ask(elsewhere.path(), "identity", &address).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let ended = running.stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    roster.cluster.stop().await;
}
