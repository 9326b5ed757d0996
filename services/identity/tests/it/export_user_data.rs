use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use prost::{Message, Name};
use prost_types::Any;
use roster_kernel::{Actor, UserId};
use roster_proto::{
    identity::v1::{
        DeleteUserRequest, DisableUserRequest, ExportManifest, ExportUserDataRequest,
        ExportUserDataResponse, ExportedRecord, PasswordFacts, User,
        export_user_data_response::Part,
    },
    time,
};
use roster_testkit::eventually;
use sha2::{Digest, Sha256};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use crate::{
    participant::{Counts, End},
    world::{Setup, World, name, refusal, says},
};

/// What the services keep of everybody: nothing of one kind.
fn personas() -> Counts {
    let notes = (0..3).map(|number| ("annotations", format!("note {number}")));
    let personas = [("personas", "botanist".to_owned())];
    Counts {
        kinds: vec![("annotations", 3), ("ontologies", 0), ("personas", 1)],
        records: notes.chain(personas).collect(),
        ..Counts::default()
    }
}

fn sessions() -> Counts {
    let records = vec![("sessions", "here".to_owned()), ("sessions", "there".to_owned())];
    Counts { kinds: vec![("sessions", 1)], records, ..Counts::default() }
}

/// Services that keep data, not in their order.
async fn world_with(persona: Counts, session: Counts) -> (World, Arc<Counts>, Arc<Counts>) {
    let (persona, session) = (Arc::new(persona), Arc::new(session));
    let participants =
        vec![(name("session"), session.upstream()), (name("persona"), persona.upstream())];
    let world = World::with(Setup { participants, ..Setup::default() }).await;
    (world, persona, session)
}

async fn begin(world: &World, user_id: &str) -> Result<Streaming<ExportUserDataResponse>, Status> {
    let request = ExportUserDataRequest { user_id: user_id.to_owned() };
    Ok(world.admin().export_user_data(says(&world.root, request)).await?.into_inner())
}

/// All records up to the end, and how it ended.
async fn read(
    mut stream: Streaming<ExportUserDataResponse>,
) -> (Vec<ExportedRecord>, Result<ExportManifest, Status>) {
    let mut records = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(ExportUserDataResponse { part: Some(Part::Record(record)) })) => {
                records.push(record);
            }
            Ok(Some(ExportUserDataResponse { part: Some(Part::Manifest(manifest)) })) => {
                let behind = stream.message().await.unwrap();
                assert_eq!(behind, None, "the manifest is the last part");
                return (records, Ok(manifest));
            }
            Ok(other) => panic!("neither record nor manifest: {other:?}"),
            Err(status) => return (records, Err(status)),
        }
    }
}

async fn export(world: &World, user_id: &str) -> (Vec<ExportedRecord>, ExportManifest) {
    let (records, manifest) = read(begin(world, user_id).await.unwrap()).await;
    (records, manifest.unwrap())
}

fn decoded<M: Message + Name + Default>(record: &ExportedRecord) -> M {
    let any: &Any = record.record.as_ref().unwrap();
    assert_eq!(any.type_url, format!("type.googleapis.com/{}", M::full_name()));
    M::decode(&*any.value).unwrap()
}

/// The digest of the records of one kind, by the words of the contract.
fn digest(records: &[ExportedRecord], participant: &str, kind: &str) -> (i64, Vec<u8>) {
    let (mut count, mut bytes) = (0, Vec::new());
    for record in records.iter().filter(|it| it.participant == participant && it.kind == kind) {
        let value = &record.record.as_ref().unwrap().value;
        bytes.extend((value.len() as u64).to_be_bytes());
        bytes.extend(value);
        count += 1;
    }
    (count, Sha256::digest(bytes).to_vec())
}

#[tokio::test]
async fn everything_comes_in_order_with_a_manifest_that_fits() {
    let (world, persona, _) = world_with(personas(), sessions()).await;
    let user = world.create("alice").await;
    world.clock.advance(Duration::from_secs(5));
    let began = world.env.now();
    let (records, manifest) = export(&world, &user.user_id).await;

    let told: Vec<_> =
        records.iter().map(|it| (it.participant.as_str(), it.kind.as_str())).collect();
    let expected = [
        ("identity", "credentials"),
        ("identity", "users"),
        ("persona", "annotations"),
        ("persona", "annotations"),
        ("persona", "annotations"),
        ("persona", "personas"),
        ("session", "sessions"),
        ("session", "sessions"),
    ];
    assert_eq!(told, expected);
    assert_eq!(decoded::<PasswordFacts>(&records[0]).change_time, user.create_time);
    assert_eq!(decoded::<User>(&records[1]), user);
    // What is not this service's own is handed on as it came.
    let note = records[2].record.as_ref().unwrap();
    assert_eq!((note.type_url.as_str(), &*note.value), ("type.example.org/Note", &b"note 0"[..]));

    assert_eq!(manifest.user_id, user.user_id);
    assert_eq!(manifest.create_time, Some(time::to_proto(began)));
    let kinds: Vec<_> =
        manifest.kinds.iter().map(|it| (it.participant.as_str(), it.kind.as_str())).collect();
    let expected = [
        ("identity", "api_keys"),
        ("identity", "credentials"),
        ("identity", "machine_tokens"),
        ("identity", "users"),
        ("persona", "annotations"),
        ("persona", "ontologies"),
        ("persona", "personas"),
        ("session", "sessions"),
    ];
    assert_eq!(kinds, expected, "also a kind of which there is none");
    for kind in &manifest.kinds {
        let stated = (kind.count, kind.sha256.clone());
        assert_eq!(stated, digest(&records, &kind.participant, &kind.kind), "{kind:?}");
    }
    assert_eq!(manifest.kinds.iter().map(|kind| kind.count).sum::<i64>(), 8);

    // The same again, in the same order.
    assert_eq!(export(&world, &user.user_id).await.0, records);
    // The participants are asked in this service's name, for this call.
    let asked = persona.asked.lock().unwrap().clone();
    assert!(asked.iter().all(|(caller, _)| caller.actor == Actor::Service(name("identity"))));
    assert!(asked.iter().all(|(it, _)| it.correlation_id == world.root.correlation_id));
}

#[tokio::test]
async fn no_secret_is_handed_out() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let (records, _) = export(&world, &user.user_id).await;
    let all: Vec<u8> =
        records.iter().flat_map(|it| it.record.as_ref().unwrap().value.clone()).collect();
    assert!(!String::from_utf8_lossy(&all).contains("argon2"));
}

#[tokio::test]
async fn what_has_no_reader_is_not_read() {
    const RECORDS: usize = 5_000;
    let many = Counts {
        kinds: vec![("annotations", 0)],
        records: (0..RECORDS).map(|number| ("annotations", format!("{number:01000}"))).collect(),
        ..Counts::default()
    };
    let (world, persona, _) = world_with(many, sessions()).await;
    let user = world.create("alice").await;
    let mut stream = begin(&world, &user.user_id).await.unwrap();
    for _ in 0..3 {
        stream.message().await.unwrap().unwrap();
    }
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    // Of five megabytes, what the encoders between here and there hold.
    let taken = persona.taken.load(Ordering::SeqCst);
    assert!(taken < 200, "{taken} records were read ahead");
    let (records, manifest) = read(stream).await;
    assert_eq!(records.len(), RECORDS - 1 + 2);
    assert_eq!(manifest.unwrap().kinds[4].count, i64::try_from(RECORDS).unwrap());
}

/// Who is to blame for the end of an export.
fn blamed(ended: Result<ExportManifest, Status>) -> String {
    let status = ended.unwrap_err();
    let metadata = status.get_error_details().error_info().unwrap().metadata.clone();
    assert_eq!(refusal::<()>(Err(status)).1, "PARTICIPANT_UNAVAILABLE");
    metadata["participant"].clone()
}

#[tokio::test]
async fn a_participant_that_fails_ends_it_without_a_manifest() {
    let (absent, _never_connected) = roster_server::Upstream::in_process();
    let participants = vec![(name("session"), absent)];
    let world = World::with(Setup { participants, ..Setup::default() }).await;
    let user = world.create("alice").await;
    let (records, ended) = read(begin(&world, &user.user_id).await.unwrap()).await;
    assert_eq!(ended.as_ref().unwrap_err().code(), Code::Unavailable);
    assert_eq!((records.len(), blamed(ended).as_str()), (2, "session"));

    for fails_behind in [0, 1, 4] {
        let failing = Counts { ends: Some((fails_behind, End::Fails)), ..personas() };
        let (world, ..) = world_with(failing, sessions()).await;
        let user = world.create("alice").await;
        let (records, ended) = read(begin(&world, &user.user_id).await.unwrap()).await;
        assert_eq!((records.len(), blamed(ended).as_str()), (2 + fails_behind, "persona"));
    }
}

#[tokio::test]
async fn a_participant_that_hangs_ends_it_after_ten_seconds() {
    let hanging = Counts { ends: Some((1, End::Hangs)), ..sessions() };
    let (world, _, session) = world_with(personas(), hanging).await;
    let user = world.create("alice").await;
    let stream = begin(&world, &user.user_id).await.unwrap();
    let patience = async {
        eventually(async || session.taken.load(Ordering::SeqCst) >= 2).await;
        world.clock.advance(Duration::from_secs(10));
    };
    let ((records, ended), ()) = tokio::join!(read(stream), patience);
    assert_eq!((records.len(), blamed(ended).as_str()), (7, "session"));

    let mute = sessions();
    mute.mute.store(true, Ordering::SeqCst);
    let (world, _, session) = world_with(personas(), mute).await;
    let user = world.create("alice").await;
    let stream = begin(&world, &user.user_id).await.unwrap();
    let patience = async {
        eventually(async || !session.asked.lock().unwrap().is_empty()).await;
        world.clock.advance(Duration::from_secs(10));
    };
    let ((_, ended), ()) = tokio::join!(read(stream), patience);
    assert_eq!(blamed(ended), "session");
}

#[tokio::test]
async fn records_of_no_kind_or_out_of_order_are_a_failure() {
    for stray in ["annotations", "unheard-of"] {
        let mut odd = personas();
        odd.records.push((stray, "stray".to_owned()));
        let (world, ..) = world_with(odd, sessions()).await;
        let user = world.create("alice").await;
        let (_, ended) = read(begin(&world, &user.user_id).await.unwrap()).await;
        assert_eq!(blamed(ended), "persona", "{stray}");
    }
}

#[tokio::test]
async fn a_user_deleted_meanwhile_gets_no_manifest() {
    // More than is sent at once: the end is not reached before it is read.
    let large = (0..3).map(|number| ("annotations", format!("{number:060000}")));
    let (world, ..) =
        world_with(Counts { records: large.collect(), ..personas() }, sessions()).await;
    let user = world.create("alice").await;
    let mut stream = begin(&world, &user.user_id).await.unwrap();
    stream.message().await.unwrap().unwrap();
    let request = DeleteUserRequest { user_id: user.user_id, ..Default::default() };
    let mut client = world.admin();
    let mut deletion = std::pin::pin!(client.delete_user(says(&world.root, request)));
    let (_, ended) = tokio::select! {
        // It waits for a receipt that nobody sends; the account is gone before.
        _ = &mut deletion => panic!("nobody has confirmed"),
        ended = async {
            let deletions = "SELECT count(*) FROM deletion";
            eventually(async || world.number(deletions).await > 0).await;
            read(stream).await
        } => ended,
    };
    let gone = (Code::NotFound, "USER_NOT_FOUND".to_owned());
    assert_eq!(refusal(ended), gone);
}

#[tokio::test]
async fn only_an_administrator_of_the_moment_exports_and_it_is_recorded() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let recorded = "SELECT count(*) FROM audit_event WHERE method = \
                    'roster.identity.v1.UserAdminService/ExportUserData'";
    let (demoted, caller) = world.create_admin("bob").await;
    let request = DisableUserRequest { user_id: demoted.user_id, ..Default::default() };
    world.admin().disable_user(says(&world.root, request)).await.unwrap();
    let request = ExportUserDataRequest { user_id: user.user_id.clone() };
    let refused = world.admin().export_user_data(says(&caller, request)).await;
    assert_eq!(refusal(refused), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
    let stranger = UserId::generate(&world.env).to_string();
    let unknown = begin(&world, &stranger).await;
    assert_eq!(refusal(unknown), (Code::NotFound, "USER_NOT_FOUND".to_owned()));
    assert_eq!(world.number(recorded).await, 0);

    // As soon as it begins, however far it comes.
    let stream = begin(&world, &user.user_id).await.unwrap();
    assert_eq!(world.number(recorded).await, 1);
    let about = format!("{recorded} AND target = '{}' AND actor_kind = 'user'", user.user_id);
    assert_eq!(world.number(&about).await, 1);
    drop(stream);
}
