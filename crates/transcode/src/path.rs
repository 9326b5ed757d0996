//! Path templates, and what a path means to them.

use std::cmp::Ordering;

use http_path_template::{self as grammar, Grammar, ParseError, PathTemplate};
use percent_encoding::percent_decode_str;
use prost_reflect::MessageDescriptor;

use crate::field::FieldPath;

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTemplate {
    /// It does not follow the grammar.
    #[error("malformed")]
    Malformed(#[from] ParseError),
    /// It names what is no field of the request, or none that a path could hold.
    #[error("no field {0}")]
    Field(String),
}

/// A template of paths.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Vec<Part>,
    verb: Option<String>,
    variables: Vec<Variable>,
}

/// One segment of a path. In this order they come first that say more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Literal(String),
    Single,
    Rest,
}

/// A segment of the paths that a template is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment<'a> {
    /// This text.
    Literal(&'a str),
    /// Any text.
    Value {
        /// The field whose value it is, or a piece of it.
        field: Option<&'a FieldPath>,
        /// Whether it is all the segments that are left.
        is_rest: bool,
    },
}

/// A field whose value is a piece of the path.
#[derive(Clone, Debug)]
struct Variable {
    field: FieldPath,
    /// Its first segment.
    first: usize,
    /// How many segments there are; none for all that are left.
    count: Option<usize>,
    /// Whether it is more than a `*`, so that slashes have a meaning in it.
    is_path: bool,
}

/// A path, in its segments. Those that a browser or a proxy would read in another
/// way than a service are none: empty ones, `.` and `..`.
#[derive(Clone, Debug)]
pub struct Path<'a> {
    segments: Vec<&'a str>,
    /// What stands behind the last colon of the last segment. A value that holds
    /// a colon has to encode it there.
    verb: Option<&'a str>,
}

impl<'a> Path<'a> {
    /// Reads the path of a request.
    pub fn parse(path: &'a str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let last = path.rfind('/').map_or(0, |slash| slash + 1);
        let (path, verb) = match path[last..].rfind(':') {
            Some(colon) => (&path[..last + colon], Some(&path[last + colon + 1..])),
            None => (path, None),
        };
        let segments: Vec<_> = path.split('/').collect();
        let odd = |segment: &&str| matches!(*segment, "" | "." | "..");
        (!segments.iter().any(odd)).then_some(Self { segments, verb })
    }
}

impl Template {
    /// Reads a template whose variables are fields of `request`.
    pub(crate) fn parse(
        template: &str,
        request: &MessageDescriptor,
    ) -> Result<Self, InvalidTemplate> {
        let parsed = PathTemplate::parse(template, Grammar::default())?;
        let (mut parts, mut variables) = (Vec::new(), Vec::new());
        for segment in parsed.segments() {
            let grammar::Segment::Variable(variable) = segment else {
                parts.push(Part::of(*segment));
                continue;
            };
            let first = parts.len();
            parts.extend(variable.segments().map(Part::of));
            let unknown = || InvalidTemplate::Field(variable.field_path().to_owned());
            let field = FieldPath::find(request, variable.field_path()).ok_or_else(unknown)?;
            if field.last().is_list() || field.last().is_map() {
                return Err(unknown());
            }
            let pieces = &parts[first..];
            let count = (!pieces.contains(&Part::Rest)).then_some(pieces.len());
            let is_path = pieces != [Part::Single];
            variables.push(Variable { field, first, count, is_path });
        }
        Ok(Self { parts, verb: parsed.verb().map(str::to_owned), variables })
    }

    /// The fields that are pieces of the path.
    pub fn fields(&self) -> impl Iterator<Item = &FieldPath> {
        self.variables.iter().map(|variable| &variable.field)
    }

    /// The segments of the paths, for those who describe them.
    #[must_use]
    pub fn segments(&self) -> Vec<Segment<'_>> {
        let variable = |index| {
            self.variables.iter().find(|it| match it.count {
                Some(count) => (it.first..it.first + count).contains(&index),
                None => it.first <= index,
            })
        };
        let value =
            |index, is_rest| Segment::Value { field: variable(index).map(|it| &it.field), is_rest };
        let parts = self.parts.iter().enumerate();
        let segments = parts.map(|(index, part)| match part {
            Part::Literal(text) => Segment::Literal(text),
            Part::Single => value(index, false),
            Part::Rest => value(index, true),
        });
        segments.collect()
    }

    /// What stands behind the colon at the end.
    #[must_use]
    pub fn verb(&self) -> Option<&str> {
        self.verb.as_deref()
    }

    /// Those that say more come first, so that of several templates that a path
    /// fits the first one is meant.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        self.parts.cmp(&other.parts).then_with(|| self.verb.cmp(&other.verb))
    }

    /// The pieces of a path that fits, one for each of the fields. What is not text
    /// fits nothing.
    pub(crate) fn matches(&self, path: &Path<'_>) -> Option<Vec<String>> {
        if self.verb.as_deref() != path.verb {
            return None;
        }
        let rest = self.parts.last() == Some(&Part::Rest);
        let fixed = if rest { self.parts.len() - 1 } else { self.parts.len() };
        let fits = if rest { path.segments.len() >= fixed } else { path.segments.len() == fixed };
        let same = |(part, segment): (&Part, &&str)| match part {
            Part::Literal(literal) => literal == segment,
            Part::Single | Part::Rest => true,
        };
        if !fits || !self.parts[..fixed].iter().zip(&path.segments).all(same) {
            return None;
        }
        self.variables.iter().map(|variable| variable.value(path)).collect()
    }
}

impl Part {
    fn of(segment: grammar::Segment<'_>) -> Self {
        if let grammar::Segment::Literal(literal) = segment {
            return Self::Literal(literal.to_owned());
        }
        // There is nothing else in what is not a variable.
        if segment == grammar::Segment::Rest { Self::Rest } else { Self::Single }
    }
}

impl Variable {
    fn value(&self, path: &Path<'_>) -> Option<String> {
        let end = self.count.map_or(path.segments.len(), |count| self.first + count);
        let pieces: Option<Vec<_>> = path.segments[self.first..end]
            .iter()
            .map(|segment| decode(segment, self.is_path))
            .collect();
        Some(pieces?.join("/"))
    }
}

/// A segment without its percent-encoding. In what consists of several, a slash
/// stays encoded, or it would count as one between them (`google.api.http`,
/// "Path template syntax").
fn decode(segment: &str, keeps_slashes: bool) -> Option<String> {
    let whole = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
    if keeps_slashes {
        whole(&segment.replace("%2F", "%252F").replace("%2f", "%252f"))
    } else {
        whole(segment)
    }
}
