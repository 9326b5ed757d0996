//! Roster apart, on a broker that lets nobody do more than they have to, with
//! real time, as real processes take part.

use std::{path::PathBuf, process::Command};

use roster_kernel::Env;
use roster_proto::identity::v1::{
    CreateUserRequest, DeleteUserRequest, Deletion, DeletionState, ExportManifest,
    ExportUserDataRequest, ExportedRecord, GetDeletionRequest, PlanUserDeletionRequest,
    PlannedErasure, export_user_data_response::Part,
};
use roster_suite::RosterConfig;
use roster_testkit::{MockClock, eventually};
use secrecy::SecretString;
use tempfile::TempDir;
use tonic::{Status, transport::Endpoint};

use crate::{
    binary::{self, Ended},
    client::Client,
    cluster::{self, Cluster, Ground},
    world::{ADMIN_PASSWORD, CHEAP, PASSWORD, sign_in},
};

/// What the notes may call, if they want to.
const LEDGER: &str = "notes /roster.identity.v1.SubjectLedgerService/ListSubjectStates";

pub struct Installation {
    pub ground: Ground,
    pub cluster: Cluster,
    pub admin: Client,
    pub folder: TempDir,
    settings: PathBuf,
}

impl Installation {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground::guarded(&["notes"]).await;
        let mut base = RosterConfig {
            data_dir: folder.path().join("data"),
            listen: "127.0.0.1:0".parse().unwrap(),
            metrics_listen: None,
            ..RosterConfig::default()
        };
        base.peers.allow = vec![LEDGER.to_owned()];
        let env = Env::system();
        // Nobody looks at this one.
        let clock = MockClock::new(env.now());
        let password = SecretString::from(ADMIN_PASSWORD);
        let cluster = Cluster::start(&base, &ground, (&clock, &env), CHEAP, &password).await;
        let endpoint = Endpoint::from_shared(format!("http://{}", cluster.address())).unwrap();
        let nobody = Client::new(endpoint.connect().await.unwrap());
        let admin = sign_in(&nobody, "admin", ADMIN_PASSWORD).await;
        let settings = folder.path().join("identity.toml");
        let config = cluster::settings(&base, &ground, "identity");
        std::fs::write(&settings, toml::to_string(&config).unwrap()).unwrap();
        Self { ground, cluster, admin, folder, settings }
    }

    /// Runs `roster participants`, as an operator does.
    pub fn participants(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roster"));
        command.env_clear().current_dir(self.folder.path());
        command.arg("--config").arg(&self.settings).arg("participants").args(arguments);
        binary::run(command)
    }

    /// The same, where it has to succeed: what it prints.
    pub fn told(&self, arguments: &[&str]) -> String {
        let ended = self.participants(arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout
    }

    /// Adds the notes, which are at `address`, and waits until they have
    /// confirmed all that they were told.
    pub async fn add(&self, address: &str) {
        self.told(&["add", "notes", "--address", address]);
        eventually(async || self.told(&["list"]).contains("; 0 receipts missing")).await;
    }

    pub async fn create(&self, username: &str) -> String {
        let request = CreateUserRequest {
            username: username.to_owned(),
            display_name: "A person".to_owned(),
            password: PASSWORD.to_owned(),
            ..CreateUserRequest::default()
        };
        let created = self.admin.users().create_user(request).await.unwrap().into_inner();
        created.user.unwrap().user_id
    }

    pub async fn delete(&self, user_id: &str) -> Deletion {
        let request = DeleteUserRequest { user_id: user_id.to_owned(), ..Default::default() };
        let deleted = self.admin.users().delete_user(request).await.unwrap().into_inner();
        deleted.deletion.unwrap()
    }

    pub async fn look(&self, deletion: &Deletion) -> Deletion {
        let request = GetDeletionRequest { deletion_id: deletion.deletion_id.clone() };
        let found = self.admin.users().get_deletion(request).await.unwrap().into_inner();
        found.deletion.unwrap()
    }

    /// Waits until a deletion is complete.
    pub async fn complete(&self, deletion: &Deletion) -> Deletion {
        let mut found = self.look(deletion).await;
        eventually(async || {
            found = self.look(deletion).await;
            found.state() == DeletionState::Complete
        })
        .await;
        found
    }

    /// What the notes would erase.
    pub async fn planned(&self, user_id: &str) -> Option<PlannedErasure> {
        let request = PlanUserDeletionRequest { user_id: user_id.to_owned() };
        let plan = self.admin.users().plan_user_deletion(request).await.unwrap().into_inner();
        plan.plan.unwrap().erasures.into_iter().find(|it| it.participant == "notes")
    }

    pub async fn export(
        &self,
        user_id: &str,
    ) -> Result<(Vec<ExportedRecord>, ExportManifest), Status> {
        let request = ExportUserDataRequest { user_id: user_id.to_owned() };
        let mut parts = self.admin.users().export_user_data(request).await?.into_inner();
        let mut records = Vec::new();
        while let Some(part) = parts.message().await? {
            match part.part.unwrap() {
                Part::Record(record) => records.push(record),
                Part::Manifest(manifest) => return Ok((records, manifest)),
            }
        }
        panic!("an export without a manifest");
    }
}
