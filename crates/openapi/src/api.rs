//! What a contract offers.

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor, ServiceDescriptor};
use roster_transcode::{InvalidRule, Routes, single_message};
use serde_json::Value as Json;

use crate::{
    access::{self, Level},
    comment::{self, Comments},
    operation::Operation,
    schema::{Direction, Schemas},
};

/// What no descriptor says.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// What it is called.
    pub title: &'a str,
    /// Its version.
    pub version: &'a str,
    /// What it is for: paragraphs.
    pub description: &'a str,
    /// The cookie that a browser is signed in by.
    pub cookie: &'a str,
}

/// What a contract offers over HTTP.
#[derive(Debug)]
pub struct Api<'a> {
    pub(crate) about: About<'a>,
    pub(crate) services: Vec<Service>,
    pub(crate) schemas: Schemas,
}

/// A service, as far as it is offered.
#[derive(Debug)]
pub struct Service {
    /// Its name in its package.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it does.
    pub methods: Vec<Method>,
}

/// A method.
#[derive(Debug)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// What it does, in one sentence.
    pub summary: String,
    /// What it does.
    pub description: String,
    /// Who may call it.
    pub level: Level,
    /// What it answers, or each time again.
    pub answer: Json,
    /// Whether it answers more than once.
    pub is_stream: bool,
    /// Whether what it answers has a version.
    pub has_etag: bool,
    /// The requests that mean it.
    pub operations: Vec<Operation>,
}

impl<'a> Api<'a> {
    /// Reads a contract: the methods that have rules and are not for services
    /// alone.
    pub fn read(pool: &DescriptorPool, about: About<'a>) -> Result<Self, InvalidRule> {
        let routes = Routes::new(pool)?;
        let option = pool.get_extension_by_name(access::OPTION);
        let offered: Vec<_> = pool
            .services()
            .flat_map(|it| it.methods().collect::<Vec<_>>())
            .filter_map(|it| Some((Level::of(&it, option.as_ref()?)?, it)))
            .filter(|(_, it)| routes.bindings().any(|bound| bound.method == *it))
            .collect();
        let mut schemas = Schemas::new(Comments::read(pool));
        // Answers first: see `Schemas::message`.
        let answers: Vec<_> =
            offered.iter().map(|(_, it)| answer(it, &routes, &mut schemas)).collect();
        let mut services: Vec<Service> = Vec::new();
        let mut last = None;
        for ((level, method), answer) in offered.iter().zip(answers) {
            let service = method.parent_service();
            let described = describe(method, *level, answer, &routes, &mut schemas);
            if last.as_ref() != Some(&service) {
                services.push(Service::of(service, &schemas));
            }
            last = Some(service);
            if let Some(service) = services.last_mut() {
                service.methods.push(described);
            }
        }
        Ok(Self { about, services, schemas })
    }

    /// Every request that means something, with its method.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (&Service, &Method, &Operation)> {
        self.services.iter().flat_map(|service| {
            service.methods.iter().flat_map(move |method| {
                method.operations.iter().map(move |operation| (service, method, operation))
            })
        })
    }
}

impl Service {
    fn of(service: &ServiceDescriptor, schemas: &Schemas) -> Self {
        Self {
            name: service.name().to_owned(),
            description: schemas.comments().at(&service.parent_file(), service.path()),
            methods: Vec::new(),
        }
    }
}

fn answer(method: &MethodDescriptor, routes: &Routes, schemas: &mut Schemas) -> Json {
    let bound = routes.bindings().find(|it| it.method == *method);
    match bound.and_then(|it| it.response_body.as_ref()) {
        Some(field) => schemas.value(field, Direction::Answer),
        None => schemas.message(&method.output(), Direction::Answer),
    }
}

fn describe(
    method: &MethodDescriptor,
    level: Level,
    answer: Json,
    routes: &Routes,
    schemas: &mut Schemas,
) -> Method {
    let comments = schemas.comments();
    let service = method.parent_service();
    let text = comments.at(&service.parent_file(), method.path());
    let (description, errors) = comment::without_errors(&text);
    let name = format!("{}_{}", service.name(), method.name());
    let mut bindings: Vec<_> = routes.bindings().filter(|it| it.method == *method).collect();
    bindings.sort_by_key(|it| it.position);
    let operations = bindings.iter().enumerate().map(|(index, binding)| {
        let id = if index == 0 { name.clone() } else { format!("{name}_{}", index + 1) };
        Operation::of(binding, id, (level, errors), schemas)
    });
    Method {
        operations: operations.collect(),
        name: method.name().to_owned(),
        summary: comment::summary(&description).to_owned(),
        description,
        level,
        answer,
        is_stream: method.is_server_streaming(),
        has_etag: has_etag(&method.output()),
    }
}

/// Whether the message, or the only thing that it holds, has a version.
fn has_etag(message: &MessageDescriptor) -> bool {
    let fields: Vec<_> = message.fields().collect();
    let only = match &fields[..] {
        [only] => single_message(only),
        _ => None,
    };
    only.as_ref().unwrap_or(message).get_field_by_name("etag").is_some()
}
