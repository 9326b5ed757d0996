use std::time::Duration;

use roster_kernel::{PersonaId, RequestId};
use roster_proto::persona::v1::{
    Annotation, CreateAnnotationRequest, DeleteAnnotationRequest, DeletePersonaRequest, Frame,
    GetAnnotationRequest, ListAnnotationsRequest, ListUserAnnotationsRequest,
    UpdateAnnotationRequest,
};
use tonic::Code;

use crate::harness::{World, erased, fields, refusal, user_id};

fn frame(frame_number: i64) -> Frame {
    Frame { frame_number, x: 0.1, y: 1e-9, width: 640.5, height: 1.0 / 3.0, is_keyframe: true }
}

fn labels(annotations: &[Annotation]) -> Vec<&str> {
    annotations.iter().map(|each| each.label.as_deref().unwrap()).collect()
}

#[tokio::test]
async fn an_annotation_is_kept_as_it_was_sent() {
    let world = World::new().await;
    let user = world.user();
    let persona = world.create(&user, "Ecologist").await;
    let annotation = Annotation {
        persona_id: Some(persona.persona_id.clone()),
        video_id: Some("v1".to_owned()),
        r#type: Some("entity".to_owned()),
        frames: vec![frame(9), frame(0), frame(4)],
        confidence: Some(0.1 + 0.2),
        ..Default::default()
    };
    let request_id = RequestId::generate(&world.env).to_string();
    let request = CreateAnnotationRequest { annotation: Some(annotation.clone()), request_id };
    let mut client = world.annotations(&user);
    let created = client.create_annotation(request.clone()).await.unwrap().into_inner();
    let created = created.annotation.unwrap();
    assert_eq!(created.frames, [frame(0), frame(4), frame(9)], "in the order of the frames");
    assert_eq!(created.confidence, Some(0.1 + 0.2));
    assert_eq!((created.label.as_deref(), created.source.as_deref()), (Some(""), Some("")));
    assert_eq!(created.user_id, user_id(&user).to_string());
    // Said again it is the same one; read again it is the same to the bit.
    let again = client.create_annotation(request).await.unwrap().into_inner();
    assert_eq!(again.annotation.as_ref(), Some(&created));
    let get = GetAnnotationRequest { annotation_id: created.annotation_id.clone() };
    let read = client.get_annotation(get).await.unwrap().into_inner();
    assert_eq!(read.annotation, Some(created));
}

#[tokio::test]
async fn only_through_a_persona_of_ones_own() {
    let world = World::new().await;
    let (owner, other) = (world.user(), world.admin());
    let persona = world.create(&owner, "Ecologist").await;
    let created = world.annotate(&owner, &persona, "heron").await;
    for persona_id in [persona.persona_id.clone(), PersonaId::generate(&world.env).to_string()] {
        let annotation = Annotation {
            persona_id: Some(persona_id),
            video_id: Some("v1".to_owned()),
            r#type: Some("entity".to_owned()),
            ..Default::default()
        };
        let request =
            CreateAnnotationRequest { annotation: Some(annotation), request_id: String::new() };
        let answer = world.annotations(&other).create_annotation(request).await;
        assert_eq!(refusal(answer), (Code::NotFound, "PERSONA_NOT_FOUND".to_owned()));
    }
    let not_found = (Code::NotFound, "ANNOTATION_NOT_FOUND".to_owned());
    let annotation_id = created.annotation_id.clone();
    let mut client = world.annotations(&other);
    let get = GetAnnotationRequest { annotation_id: annotation_id.clone() };
    assert_eq!(refusal(client.get_annotation(get).await), not_found);
    let update = UpdateAnnotationRequest {
        annotation_id: annotation_id.clone(),
        annotation: Some(Annotation { label: Some("mine".to_owned()), ..Default::default() }),
        ..Default::default()
    };
    assert_eq!(refusal(client.update_annotation(update).await), not_found);
    let delete = DeleteAnnotationRequest { annotation_id, ..Default::default() };
    assert_eq!(refusal(client.delete_annotation(delete).await), not_found);
    let list = client.list_annotations(ListAnnotationsRequest::default()).await.unwrap();
    assert_eq!(list.into_inner().annotations, []);
}

#[tokio::test]
async fn lists_are_newest_first_filtered_and_go_on_where_they_ended() {
    let world = World::new().await;
    let user = world.user();
    let (one, two) = (world.create(&user, "One").await, world.create(&user, "Two").await);
    for label in ["a", "b", "c"] {
        world.annotate(&user, &one, label).await;
    }
    world.annotate(&user, &two, "d").await;
    let other = world.user();
    world.annotate(&other, &world.create(&other, "Three").await, "e").await;

    let mut client = world.annotations(&user);
    let mut list = async |request: ListAnnotationsRequest| {
        let page = client.list_annotations(request).await.unwrap().into_inner();
        let labels = labels(&page.annotations).into_iter().map(str::to_owned).collect::<Vec<_>>();
        (labels, page.next_page_token)
    };
    let of_one = ListAnnotationsRequest {
        persona_id: one.persona_id.clone(),
        page_size: 2,
        ..Default::default()
    };
    let (first, token) = list(of_one.clone()).await;
    assert_eq!(first, ["c", "b"]);
    let (second, end) = list(ListAnnotationsRequest { page_token: token.clone(), ..of_one }).await;
    assert_eq!((second, end.as_str()), (vec!["a".to_owned()], ""));
    assert_eq!(list(ListAnnotationsRequest::default()).await.0, ["d", "c", "b", "a"]);
    let elsewhere = ListAnnotationsRequest { video_id: "v2".to_owned(), ..Default::default() };
    assert_eq!(list(elsewhere).await.0, Vec::<String>::new());
    let here = ListAnnotationsRequest { video_id: "v1".to_owned(), ..Default::default() };
    assert_eq!(list(here).await.0.len(), 4);
    // A token continues its own list and no other.
    let request = ListAnnotationsRequest { page_token: token, ..Default::default() };
    let answer = world.annotations(&user).list_annotations(request).await;
    assert_eq!(fields(answer), ["page_token"]);
}

#[tokio::test]
async fn an_update_changes_what_is_named_and_clears_what_is_not_set() {
    let world = World::new().await;
    let user = world.user();
    let persona = world.create(&user, "Ecologist").await;
    let created = world.annotate(&user, &persona, "heron").await;
    let update = |annotation: Annotation, paths: &[&str], etag: &str| UpdateAnnotationRequest {
        annotation_id: created.annotation_id.clone(),
        annotation: Some(annotation),
        update_mask: (!paths.is_empty()).then(|| prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        etag: etag.to_owned(),
        ..Default::default()
    };
    let mut client = world.annotations(&user);
    let given = Annotation {
        confidence: Some(1.0),
        frames: vec![frame(1)],
        source: Some("manual".to_owned()),
        ..Default::default()
    };
    let changed = client.update_annotation(update(given.clone(), &[], "")).await.unwrap();
    let changed = changed.into_inner().annotation.unwrap();
    assert_eq!(changed.label.as_deref(), Some("heron"));
    assert_eq!((changed.confidence, changed.frames.len()), (Some(1.0), 1));
    assert_ne!(changed.etag, created.etag);

    let answer = client.update_annotation(update(given.clone(), &[], &created.etag)).await;
    assert_eq!(refusal(answer), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
    let same = client.update_annotation(update(given, &[], &changed.etag)).await.unwrap();
    assert_eq!(same.into_inner().annotation.unwrap(), changed, "nothing changed");

    let cleared = update(Annotation::default(), &["confidence", "frames", "source"], "");
    let cleared = client.update_annotation(cleared).await.unwrap().into_inner();
    let cleared = cleared.annotation.unwrap();
    assert_eq!((cleared.confidence, cleared.frames.len()), (None, 0));
    assert_eq!(cleared.source.as_deref(), Some(""));
    for path in ["video_id", "persona_id", "user_id", "*", "etag"] {
        let answer = client.update_annotation(update(Annotation::default(), &[path], "")).await;
        assert_eq!(fields(answer), ["update_mask"], "{path}");
    }
    let answer = client.update_annotation(update(Annotation::default(), &["type"], "")).await;
    assert_eq!(fields(answer), ["annotation.type"]);
}

#[tokio::test]
async fn numbers_that_are_none_and_frames_that_come_twice_are_refused() {
    let world = World::new().await;
    let user = world.user();
    let persona = world.create(&user, "Ecologist").await;
    let created = world.annotate(&user, &persona, "heron").await;
    let infinite = Frame { height: f64::INFINITY, ..frame(1) };
    let nothing = Frame { x: f64::NAN, ..frame(1) };
    for (frames, named) in [
        (vec![frame(0), infinite], "annotation.frames[1].height"),
        (vec![nothing], "annotation.frames[0].x"),
        (vec![frame(3), frame(1), frame(3)], "annotation.frames[2].frame_number"),
    ] {
        let request = UpdateAnnotationRequest {
            annotation_id: created.annotation_id.clone(),
            annotation: Some(Annotation { frames, ..Default::default() }),
            ..Default::default()
        };
        assert_eq!(fields(world.annotations(&user).update_annotation(request).await), [named]);
    }
}

#[tokio::test]
async fn pages_are_bounded_in_bytes_and_none_is_missed() {
    let world = World::new().await;
    let user = world.user();
    let persona = world.create(&user, "Ecologist").await;
    // Each has about 400 KB of frames as they are stored: two make no page.
    for label in ["a", "b", "c"] {
        world.clock.advance(Duration::from_millis(1));
        let annotation = Annotation {
            persona_id: Some(persona.persona_id.clone()),
            video_id: Some("v1".to_owned()),
            r#type: Some("entity".to_owned()),
            label: Some(label.to_owned()),
            frames: (0..5_000).map(frame).collect(),
            ..Default::default()
        };
        let request =
            CreateAnnotationRequest { annotation: Some(annotation), request_id: String::new() };
        world.annotations(&user).create_annotation(request).await.unwrap();
    }
    let mut client = world.personas_admin(&world.admin());
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListUserAnnotationsRequest {
            user_id: user_id(&user).to_string(),
            page_token,
            ..Default::default()
        };
        let page = client.list_user_annotations(request).await.unwrap().into_inner();
        assert_eq!(page.annotations.len(), 1);
        seen.extend(page.annotations);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(labels(&seen), ["c", "b", "a"]);
}

#[tokio::test]
async fn a_persona_takes_its_content_along() {
    let world = World::new().await;
    let user = world.user();
    let (gone, kept) = (world.create(&user, "Gone").await, world.create(&user, "Kept").await);
    for persona in [&gone, &kept] {
        world.annotate(&user, persona, "heron").await;
        world.classify(&user, persona, "bird").await;
    }
    let request = DeletePersonaRequest { persona_id: gone.persona_id, ..Default::default() };
    world.personas(&user).delete_persona(request).await.unwrap();
    assert_eq!(world.delete_user(&user).await, erased(1, 1, 1));
}
