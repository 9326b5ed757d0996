//! Handing out what is kept, and summing it up.

use futures_util::TryStreamExt as _;
use prost_types::Any;
use roster_kernel::UserId;
use roster_proto::subject::v1::{
    ExportSubjectDataRequest, ExportSubjectDataResponse, SumSubjectDataRequest,
    subject_data_service_server::SubjectDataService,
};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::notes::World;

fn encode(note: Uuid) -> Any {
    Any { type_url: "/note".to_owned(), value: note.as_bytes().to_vec() }
}

async fn export(world: &World, user: &str) -> Result<Vec<ExportSubjectDataResponse>, Status> {
    let rpc = world.participant.rpc(encode);
    let request = Request::new(ExportSubjectDataRequest { user_id: user.to_owned() });
    rpc.export_subject_data(request).await?.into_inner().try_collect().await
}

#[tokio::test]
async fn all_of_one_user_is_handed_out_however_many_pages_that_takes() {
    let world = World::new().await;
    let (ann, ben) = (UserId::generate(&world.env), UserId::generate(&world.env));
    for count in [0, 1, 49, 50, 51] {
        world.add_notes(ann, count).await;
        world.add_notes(ben, 1).await;
        let kept = world.count(ann).await;
        let exported = export(&world, &ann.to_string()).await.unwrap();
        assert_eq!(i64::try_from(exported.len()).unwrap(), kept);
        assert!(exported.iter().all(|each| each.kind == "notes"));
        let ids: Vec<_> = exported.into_iter().map(|each| each.record.unwrap().value).collect();
        assert!(ids.is_sorted_by(|one, next| one < next), "in their order, each once");
    }
}

#[tokio::test]
async fn whoever_is_not_known_has_nothing() {
    let world = World::new().await;
    let nobody = UserId::generate(&world.env);
    assert_eq!(export(&world, &nobody.to_string()).await.unwrap(), []);
    let refused = export(&world, "nobody").await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn an_export_that_cannot_go_on_says_so() {
    let world = World::new().await;
    let ann = UserId::generate(&world.env);
    world.add_notes(ann, 60).await;
    let rpc = world.participant.rpc(encode);
    let request = Request::new(ExportSubjectDataRequest { user_id: ann.to_string() });
    let mut stream = rpc.export_subject_data(request).await.unwrap().into_inner();
    assert!(stream.try_next().await.unwrap().is_some());
    world.db().close().await.unwrap();
    let ended: Result<Vec<_>, Status> = stream.try_collect().await;
    assert_eq!(ended.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn the_sum_is_that_of_all_users() {
    let world = World::new().await;
    let rpc = world.participant.rpc(encode);
    let sum = async || {
        let answer = rpc.sum_subject_data(Request::new(SumSubjectDataRequest {})).await.unwrap();
        answer.into_inner().counts.into_iter().map(|it| (it.kind, it.count)).collect::<Vec<_>>()
    };
    assert_eq!(sum().await, [("notes".to_owned(), 0)]);
    world.add_notes(UserId::generate(&world.env), 2).await;
    world.add_notes(UserId::generate(&world.env), 3).await;
    assert_eq!(sum().await, [("notes".to_owned(), 5)]);
}
