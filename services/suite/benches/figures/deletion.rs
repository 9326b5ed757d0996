//! Deleting a user with everything that services keep, beside deleting as many
//! rows.

use std::time::Duration;

use roster_kernel::{Actor, Caller, Env, SessionId, UserActor, UserId};
use roster_proto::{
    identity::v1::{
        DeleteUserRequest, DeletionState, GetDeletionRequest,
        user_admin_service_client::UserAdminServiceClient,
    },
    persona::v1::{
        Annotation, CreateAnnotationRequest, CreatePersonaRequest, Frame, Persona,
        annotation_service_client::AnnotationServiceClient,
        persona_service_client::PersonaServiceClient,
    },
};
use roster_server::outgoing;

use crate::{
    bare,
    effort::Effort,
    measure::{cpu, median},
    table::{Row, Unit},
    world::{CHEAP, World, id_of, person},
};

/// A user with as many annotations as are asked for.
async fn annotator(world: &World, number: usize, annotations: usize) -> UserId {
    let env = Env::system();
    let created = UserAdminServiceClient::new(world.upstream("identity"))
        .create_user(world.inside(person(format!("annotator-{number}"))))
        .await;
    let user_id = id_of(created.unwrap().into_inner());
    let caller = Caller {
        actor: Actor::User(UserActor {
            user_id,
            session_id: SessionId::generate(&env),
            is_admin: false,
            password_change_required: false,
        }),
        ..world.admin.clone()
    };
    let persona = Persona { name: Some("A persona".to_owned()), ..Persona::default() };
    let request =
        CreatePersonaRequest { persona: Some(persona), ..CreatePersonaRequest::default() };
    let persona = PersonaServiceClient::new(world.upstream("persona"))
        .create_persona(outgoing(request, caller.clone(), None, env.now()))
        .await;
    let persona = persona.unwrap().into_inner().persona.unwrap();
    let annotation = Annotation {
        persona_id: Some(persona.persona_id),
        video_id: Some("a video".to_owned()),
        r#type: Some("entity".to_owned()),
        frames: vec![Frame::default()],
        ..Annotation::default()
    };
    let mut client = AnnotationServiceClient::new(world.upstream("persona"));
    for _ in 0..annotations {
        let annotation = Some(annotation.clone());
        let request = CreateAnnotationRequest { annotation, ..CreateAnnotationRequest::default() };
        let request = outgoing(request, caller.clone(), None, env.now());
        client.create_annotation(request).await.unwrap();
    }
    user_id
}

/// Deletes the user, and waits until every service has confirmed.
async fn delete(world: &World, user_id: UserId) {
    let mut client = UserAdminServiceClient::new(world.upstream("identity"));
    let request =
        DeleteUserRequest { user_id: user_id.to_string(), ..DeleteUserRequest::default() };
    let deleted = client.delete_user(world.inside(request)).await.unwrap().into_inner();
    let mut deletion = deleted.deletion.unwrap();
    while deletion.state() != DeletionState::Complete {
        Env::system().sleep(Duration::from_millis(2)).await;
        let request = GetDeletionRequest { deletion_id: deletion.deletion_id.clone() };
        let found = client.get_deletion(world.inside(request)).await.unwrap().into_inner();
        deletion = found.deletion.unwrap();
    }
}

pub async fn measure(effort: &Effort) -> Vec<Row> {
    let world = World::new(CHEAP).await;
    let table = bare::Table::new().await;
    let (mut floors, mut figures) = (Vec::new(), Vec::new());
    // One more than counts: the first one finds everything cold.
    for number in 0..=effort.deletions {
        table.fill(effort.annotations).await;
        let before = cpu();
        table.delete_filled().await;
        floors.push(cpu() - before);
        let user_id = annotator(&world, number, effort.annotations).await;
        let before = cpu();
        delete(&world, user_id).await;
        figures.push(cpu() - before);
    }
    world.stop().await;
    let [floor, figure] = [floors, figures].map(|costs| median(costs[1..].to_vec()));
    let what = format!("DeleteUser, {} annotations, to the last receipt", effort.annotations);
    let floor_is = format!("a bare deletion of {} rows", effort.annotations);
    vec![Row::new(what, figure, Unit::CpuMicros).beside(floor, floor_is)]
}
