//! Finding the method that a request means.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};

use crate::{
    binding::{Binding, InvalidRule, Why, bindings},
    path::Path,
    request::{self, Invalid},
    response::{self, Response, Undecodable},
};

/// All that a contract says about HTTP.
#[derive(Clone, Debug)]
pub struct Routes {
    /// Those that say more first.
    bindings: Vec<Arc<Binding>>,
}

/// A request that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// There is nothing at this path.
    Path,
    /// There is, but not with this HTTP method: with these.
    Method(Vec<Method>),
}

/// A request that means a method.
#[derive(Clone, Debug)]
pub struct Call {
    binding: Arc<Binding>,
    /// The values of the path's fields.
    values: Vec<String>,
}

impl Routes {
    /// Reads the rules of a contract.
    pub fn new(pool: &DescriptorPool) -> Result<Self, InvalidRule> {
        let mut bindings = bindings(pool)?;
        let rank = |one: &Binding, other: &Binding| {
            let templates = one.template.order(&other.template);
            templates.then_with(|| one.verb.as_str().cmp(other.verb.as_str()))
        };
        bindings.sort_by(rank);
        if let Some([one, other]) = bindings.array_windows().find(|[a, b]| rank(a, b).is_eq()) {
            let why = Why::Ambiguous(other.method.full_name().to_owned());
            return Err(InvalidRule::new(&one.method, why));
        }
        Ok(Self { bindings: bindings.into_iter().map(Arc::new).collect() })
    }

    /// What there is to find.
    pub fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().map(Arc::as_ref)
    }

    /// Finds the method that a request with the HTTP method `verb` and this
    /// percent-encoded `path` means.
    pub fn find(&self, verb: &Method, path: &str) -> Result<Call, NotFound> {
        let path = Path::parse(path).ok_or(NotFound::Path)?;
        let mut others = Vec::new();
        for binding in &self.bindings {
            let Some(values) = binding.template.matches(&path) else { continue };
            if binding.verb == verb {
                return Ok(Call { binding: Arc::clone(binding), values });
            }
            if !others.contains(&binding.verb) {
                others.push(binding.verb.clone());
            }
        }
        if others.is_empty() { Err(NotFound::Path) } else { Err(NotFound::Method(others)) }
    }
}

impl Call {
    /// The method.
    #[must_use]
    pub fn method(&self) -> &MethodDescriptor {
        &self.binding.method
    }

    /// Its path in gRPC, `/package.Service/Method`.
    #[must_use]
    pub fn grpc_path(&self) -> String {
        let method = self.method();
        format!("/{}/{}", method.parent_service().full_name(), method.name())
    }

    /// Makes the method's request. What is in the path holds, whatever `body`
    /// says; what `query` says is in neither.
    pub fn request(&self, query: Option<&str>, body: &[u8]) -> Result<DynamicMessage, Invalid> {
        request::read(&self.binding, &self.values, query.unwrap_or_default(), body)
    }

    /// Makes JSON of the method's response, encoded. The response of a method that
    /// streams is each of its messages.
    pub fn response(&self, response: Bytes) -> Result<Response, Undecodable> {
        response::write(&self.binding, response)
    }
}
