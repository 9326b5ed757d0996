//! Finds the method that a call is for. Everything after this decides about
//! the route that was found here, never about the path.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{Error, RouteTable, route::Route};

/// The route of a call.
#[derive(Clone, Debug)]
pub struct Routed(pub Arc<Route>);

/// Refuses what has no route.
pub async fn layer(State(table): State<RouteTable>, mut request: Request, next: Next) -> Response {
    let uri = request.uri();
    let route = table.find(uri.path()).filter(|_| uri.query().is_none());
    let Some(route) = route.cloned() else { return Error::UnknownMethod.into_response() };
    request.extensions_mut().insert(Routed(route));
    next.run(request).await
}
