//! An annotation and how it changes.

use roster_kernel::{AnnotationId, Env, Etag, PersonaId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::{Text, ontology::repeated};

/// The most frames of one annotation.
pub const MOST_FRAMES: usize = 5_000;

/// A video, as the platform names it.
pub type VideoId = Text<1, 200>;
/// What kind of thing is marked.
pub type AnnotationType = Text<1, 100>;
/// What the marked thing is.
pub type Label = Text<0, 200>;
/// What an annotation was made by.
pub type Source = Text<0, 100>;

/// What was marked in a video, from the point of view of one persona.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// The annotation's id.
    pub id: AnnotationId,
    /// Whose it is: the owner of the persona.
    pub owner: UserId,
    /// From whose point of view it was made.
    pub persona_id: PersonaId,
    /// The video.
    pub video_id: VideoId,
    /// What can be changed.
    pub content: AnnotationContent,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it, or its owner, changed last.
    pub updated_at: Timestamp,
    /// Names its present state.
    pub etag: Etag,
}

/// What can be changed of an annotation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnnotationContent {
    /// What kind of thing is marked.
    pub kind: AnnotationType,
    /// What the marked thing is.
    pub label: Label,
    /// Where it is to be seen.
    pub frames: Frames,
    /// How certain it is, if anybody said.
    pub confidence: Option<Confidence>,
    /// What it was made by.
    pub source: Source,
}

/// New values of what can be changed; `None` leaves a value as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnnotationChanges {
    /// What kind of thing is marked.
    pub kind: Option<AnnotationType>,
    /// What the marked thing is.
    pub label: Option<Label>,
    /// Where it is to be seen.
    pub frames: Option<Frames>,
    /// How certain it is.
    pub confidence: Option<Certainty>,
    /// What it was made by.
    pub source: Option<Source>,
}

/// How certain an annotation is to be, if anybody is to say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Certainty(pub Option<Confidence>);

/// A number that cannot stand where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNumber {
    /// Not a certainty.
    #[error("must be between 0 and 1")]
    Confidence,
    /// Not a length or a place.
    #[error("must be a finite number of at least 0")]
    Length,
    /// Not the number of a frame.
    #[error("must be at least 0")]
    Frame,
}

/// How certain something is, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confidence(f64);

impl Confidence {
    /// Takes a number from 0 to 1.
    pub fn parse(number: f64) -> Result<Self, InvalidNumber> {
        // What is no number at all is in no range.
        if (0.0..=1.0).contains(&number) {
            Ok(Self(number))
        } else {
            Err(InvalidNumber::Confidence)
        }
    }

    /// Takes what was parsed before it was stored.
    #[must_use]
    pub const fn stored(number: f64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// A place or a length in pixels: finite, and not negative.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pixels(f64);

impl Pixels {
    /// Takes a number that is finite and not negative.
    pub fn parse(number: f64) -> Result<Self, InvalidNumber> {
        let valid = number.is_finite() && number >= 0.0;
        if valid { Ok(Self(number)) } else { Err(InvalidNumber::Length) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// The number of a frame; the first one is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FrameNumber(i64);

impl FrameNumber {
    /// Takes a number that is not negative.
    pub const fn parse(number: i64) -> Result<Self, InvalidNumber> {
        if number < 0 { Err(InvalidNumber::Frame) } else { Ok(Self(number)) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// A rectangle in one frame of a video.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Which frame.
    pub number: FrameNumber,
    /// The left edge.
    pub x: Pixels,
    /// The upper edge.
    pub y: Pixels,
    /// The width.
    pub width: Pixels,
    /// The height.
    pub height: Pixels,
    /// Whether somebody placed it.
    pub is_keyframe: bool,
}

/// The rectangles of one annotation, ordered by frame, one in each frame at
/// the most.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Frames(Vec<Frame>);

impl Frames {
    /// Takes rectangles in any order; answers the places of those that are in
    /// a frame which has one already, if there are such.
    pub fn parse(mut frames: Vec<Frame>) -> Result<Self, Vec<usize>> {
        let numbers: Vec<_> = frames.iter().map(|frame| frame.number.get().to_string()).collect();
        let repeated = repeated(numbers.iter().map(String::as_str));
        if !repeated.is_empty() {
            return Err(repeated);
        }
        frames.sort_by_key(|frame| frame.number);
        Ok(Self(frames))
    }

    /// The rectangles.
    #[must_use]
    pub fn into_vec(self) -> Vec<Frame> {
        self.0
    }
}

impl Annotation {
    /// An annotation of `owner` that begins now.
    #[must_use]
    pub fn new(
        env: &Env,
        owner: UserId,
        persona_id: PersonaId,
        video_id: VideoId,
        content: AnnotationContent,
    ) -> Self {
        let now = env.now();
        Self {
            id: AnnotationId::generate(env),
            owner,
            persona_id,
            video_id,
            content,
            created_at: now,
            updated_at: now,
            etag: Etag::generate(env),
        }
    }

    /// Notes that it has just changed.
    pub fn touch(&mut self, env: &Env) {
        self.updated_at = env.now();
        self.etag = Etag::generate(env);
    }
}

impl AnnotationContent {
    /// Takes the new values in; answers the names of the fields whose values
    /// are others than before.
    pub fn change(&mut self, changes: AnnotationChanges) -> Vec<&'static str> {
        [
            set("type", &mut self.kind, changes.kind),
            set("label", &mut self.label, changes.label),
            set("frames", &mut self.frames, changes.frames),
            set("confidence", &mut self.confidence, changes.confidence.map(|new| new.0)),
            set("source", &mut self.source, changes.source),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn set<T: PartialEq>(field: &'static str, value: &mut T, new: Option<T>) -> Option<&'static str> {
    let new = new.filter(|new| new != value)?;
    *value = new;
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: i64) -> Frame {
        let pixels = |number| Pixels::parse(number).unwrap();
        Frame {
            number: FrameNumber::parse(number).unwrap(),
            x: pixels(0.1),
            y: pixels(0.2),
            width: pixels(1.0),
            height: pixels(f64::MAX),
            is_keyframe: true,
        }
    }

    #[test]
    fn numbers_have_their_bounds() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -f64::MIN_POSITIVE] {
            assert_eq!(Pixels::parse(odd), Err(InvalidNumber::Length), "{odd}");
            assert_eq!(Confidence::parse(odd), Err(InvalidNumber::Confidence), "{odd}");
        }
        assert!(Confidence::parse(1.0 + f64::EPSILON).is_err());
        assert_eq!(Confidence::parse(1.0).map(Confidence::get), Ok(1.0));
        assert_eq!(FrameNumber::parse(-1), Err(InvalidNumber::Frame));
        assert_eq!(FrameNumber::parse(i64::MAX).map(FrameNumber::get), Ok(i64::MAX));
    }

    #[test]
    fn frames_are_ordered_and_each_is_marked_once() {
        let frames = Frames::parse(vec![frame(9), frame(0), frame(3)]).unwrap();
        let numbers = frames.into_vec().into_iter().map(|frame| frame.number.get());
        assert_eq!(numbers.collect::<Vec<_>>(), [0, 3, 9]);
        assert_eq!(Frames::parse(vec![frame(1), frame(2), frame(1)]), Err(vec![2]));
    }

    #[test]
    fn numbers_are_stored_as_they_are() {
        let frames = Frames::parse(vec![frame(0)]).unwrap();
        let stored = serde_json::to_string(&frames).unwrap();
        assert_eq!(serde_json::from_str::<Frames>(&stored).unwrap(), frames);
        let odd = Pixels::parse(1.000_000_000_000_000_2e-3).unwrap();
        let stored = serde_json::to_string(&odd).unwrap();
        assert_eq!(serde_json::from_str::<Pixels>(&stored).unwrap(), odd);
    }
}
