//! Annotations between messages and domain values.

use prost_types::FieldMask;
use roster_db::replay::Repetition;
use roster_kernel::{AnnotationId, PersonaId, UserId};
use roster_proto::{persona::v1 as pb, time};
use roster_server::{Refusal, Violations};

use super::{etag, etag_of, page, text};
use crate::{
    domain::{
        Annotation, AnnotationChanges, AnnotationContent, AnnotationFilter, Certainty, Confidence,
        Frame, FrameNumber, Frames, MOST_FRAMES, Pixels, VideoId,
    },
    op::{
        create_annotation::CreateAnnotation,
        delete_annotation::DeleteAnnotation,
        page::{Page, PageRequest},
        update_annotation::UpdateAnnotation,
    },
};

const MASKABLE: [&str; 5] = ["type", "label", "frames", "confidence", "source"];

const MASK: &str = "may name type, label, frames, confidence and source, and nothing else";

/// Reads what a new annotation is to be like.
pub fn create(
    request: &pb::CreateAnnotationRequest,
    repetition: &Repetition<'_>,
) -> Result<CreateAnnotation, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let Some(annotation) = &request.annotation else {
        violations.add("annotation", "must be set");
        return Err(violations.into_refusal());
    };
    for (field, missing) in [
        ("annotation.persona_id", annotation.persona_id.is_none()),
        ("annotation.video_id", annotation.video_id.is_none()),
        ("annotation.type", annotation.r#type.is_none()),
    ] {
        if missing {
            violations.add(field, "must be set");
        }
    }
    etag_of(&mut violations, "annotation.etag", &annotation.etag, &mut String::new());
    let (persona_id, video_id, given) = given(&mut violations, annotation);
    let (Some(persona_id), Some(video_id), Some(kind)) = (persona_id, video_id, given.kind) else {
        return Err(violations.into_refusal());
    };
    violations.finish()?;
    let content = AnnotationContent {
        kind,
        label: given.label.unwrap_or_default(),
        frames: given.frames.unwrap_or_default(),
        confidence: given.confidence.unwrap_or_default().0,
        source: given.source.unwrap_or_default(),
    };
    Ok(CreateAnnotation { persona_id, video_id, content, replay })
}

/// Reads which annotation is asked for.
pub fn get(request: &pb::GetAnnotationRequest) -> Result<AnnotationId, Refusal> {
    AnnotationId::parse(&request.annotation_id)
        .map_err(|error| Refusal::invalid("annotation_id", error))
}

/// Reads which of one's own annotations are asked for, and which page.
pub fn own_list(
    request: &pb::ListAnnotationsRequest,
) -> Result<(AnnotationFilter, PageRequest), Refusal> {
    let mut violations = Violations::new();
    let filter = filter(&mut violations, &request.persona_id, &request.video_id);
    let page = page(&mut violations, request.page_size, &request.page_token);
    let Some(page) = page else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok((filter, page))
}

/// Reads whose annotations are asked for, which, and which page.
pub fn user_list(
    request: &pb::ListUserAnnotationsRequest,
) -> Result<(UserId, AnnotationFilter, PageRequest), Refusal> {
    let mut violations = Violations::new();
    let owner = violations.field("user_id", UserId::parse(&request.user_id));
    let filter = filter(&mut violations, &request.persona_id, &request.video_id);
    let page = page(&mut violations, request.page_size, &request.page_token);
    let Some((owner, page)) = owner.zip(page) else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok((owner, filter, page))
}

/// Reads what is to change of an annotation.
pub fn update(
    request: &pb::UpdateAnnotationRequest,
    repetition: &Repetition<'_>,
) -> Result<UpdateAnnotation, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let annotation_id =
        violations.field("annotation_id", AnnotationId::parse(&request.annotation_id));
    let mut etag = etag(&mut violations, &request.etag);
    let mut changes = AnnotationChanges::default();
    match &request.annotation {
        Some(annotation) => {
            etag_of(&mut violations, "annotation.etag", &annotation.etag, &mut etag);
            (_, _, changes) = given(&mut violations, annotation);
            // A mask that names nothing is one that was not given.
            if let Some(mask) = request.update_mask.as_ref().filter(|mask| !mask.paths.is_empty()) {
                changes = masked(&mut violations, annotation, changes, mask);
            }
        }
        None => violations.add("annotation", "must be set"),
    }
    let Some(annotation_id) = annotation_id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(UpdateAnnotation { annotation_id, changes, etag, replay })
}

/// Reads which annotation is to be deleted.
pub fn delete(
    request: &pb::DeleteAnnotationRequest,
    repetition: &Repetition<'_>,
) -> Result<DeleteAnnotation, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let annotation_id =
        violations.field("annotation_id", AnnotationId::parse(&request.annotation_id));
    let etag = etag(&mut violations, &request.etag);
    let Some(annotation_id) = annotation_id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(DeleteAnnotation { annotation_id, etag, replay })
}

/// A page of annotations.
pub fn annotations(page: Page<Annotation>) -> (Vec<pb::Annotation>, String) {
    (page.items.into_iter().map(annotation).collect(), page.next_page_token)
}

/// An annotation as its reader sees it: every field is set, except for a
/// confidence that nobody gave.
pub fn annotation(annotation: Annotation) -> pb::Annotation {
    let content = annotation.content;
    pb::Annotation {
        annotation_id: annotation.id.to_string(),
        user_id: annotation.owner.to_string(),
        persona_id: Some(annotation.persona_id.to_string()),
        video_id: Some(annotation.video_id.into_string()),
        r#type: Some(content.kind.into_string()),
        label: Some(content.label.into_string()),
        frames: content.frames.into_vec().into_iter().map(frame).collect(),
        confidence: content.confidence.map(Confidence::get),
        source: Some(content.source.into_string()),
        create_time: Some(time::to_proto(annotation.created_at)),
        update_time: Some(time::to_proto(annotation.updated_at)),
        etag: annotation.etag.to_string(),
    }
}

const fn frame(frame: Frame) -> pb::Frame {
    pb::Frame {
        frame_number: frame.number.get(),
        x: frame.x.get(),
        y: frame.y.get(),
        width: frame.width.get(),
        height: frame.height.get(),
        is_keyframe: frame.is_keyframe,
    }
}

/// The values that a message sets, whether a mask names them or not: what is
/// sent must be well-formed.
fn given(
    violations: &mut Violations,
    annotation: &pb::Annotation,
) -> (Option<PersonaId>, Option<VideoId>, AnnotationChanges) {
    let persona_id = annotation.persona_id.as_ref();
    let persona_id =
        persona_id.and_then(|id| violations.field("annotation.persona_id", PersonaId::parse(id)));
    let video_id = text(violations, "annotation.video_id", annotation.video_id.as_deref());
    let confidence = annotation
        .confidence
        .and_then(|number| violations.field("annotation.confidence", Confidence::parse(number)));
    let changes = AnnotationChanges {
        kind: text(violations, "annotation.type", annotation.r#type.as_deref()),
        label: text(violations, "annotation.label", annotation.label.as_deref()),
        frames: frames(violations, &annotation.frames).filter(|_| !annotation.frames.is_empty()),
        confidence: confidence.map(|number| Certainty(Some(number))),
        source: text(violations, "annotation.source", annotation.source.as_deref()),
    };
    (persona_id, video_id, changes)
}

fn frames(violations: &mut Violations, frames: &[pb::Frame]) -> Option<Frames> {
    let list = "annotation.frames";
    if frames.len() > MOST_FRAMES {
        violations.add(list, "must have at most 5,000 items");
        return None;
    }
    let read = frames.iter().enumerate().map(|(place, frame)| {
        let mut pixels = |field, number| {
            violations.field(&format!("{list}[{place}].{field}"), Pixels::parse(number))
        };
        let x = pixels("x", frame.x);
        let y = pixels("y", frame.y);
        let width = pixels("width", frame.width);
        let height = pixels("height", frame.height);
        let field = format!("{list}[{place}].frame_number");
        let number = violations.field(&field, FrameNumber::parse(frame.frame_number));
        let is_keyframe = frame.is_keyframe;
        Some(Frame { number: number?, x: x?, y: y?, width: width?, height: height?, is_keyframe })
    });
    let read: Vec<_> = read.collect();
    let read = read.into_iter().collect::<Option<Vec<_>>>()?;
    let repeated = Frames::parse(read);
    if let Err(places) = &repeated {
        for place in places {
            let field = format!("{list}[{place}].frame_number");
            violations.add(&field, "must be that of another frame than those before it");
        }
    }
    repeated.ok()
}

/// What a mask selects of the values that are given; a field that it names
/// and that is not given is cleared.
fn masked(
    violations: &mut Violations,
    annotation: &pb::Annotation,
    given: AnnotationChanges,
    mask: &FieldMask,
) -> AnnotationChanges {
    let names = |field: &str| mask.paths.iter().any(|path| path == field);
    if !mask.paths.iter().all(|path| MASKABLE.contains(&path.as_str())) {
        violations.add("update_mask", MASK);
    }
    if names("type") && annotation.r#type.is_none() {
        violations.add("annotation.type", "must be set: it cannot be cleared");
    }
    AnnotationChanges {
        kind: given.kind.filter(|_| names("type")),
        label: names("label").then(|| given.label.unwrap_or_default()),
        frames: names("frames").then(|| given.frames.unwrap_or_default()),
        confidence: names("confidence").then(|| given.confidence.unwrap_or_default()),
        source: names("source").then(|| given.source.unwrap_or_default()),
    }
}

fn filter(violations: &mut Violations, persona_id: &str, video_id: &str) -> AnnotationFilter {
    let persona_id = (!persona_id.is_empty())
        .then(|| violations.field("persona_id", PersonaId::parse(persona_id)));
    let video_id = Some(video_id).filter(|id| !id.is_empty());
    AnnotationFilter {
        persona_id: persona_id.flatten(),
        video_id: text(violations, "video_id", video_id),
    }
}
