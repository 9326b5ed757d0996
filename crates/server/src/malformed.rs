//! Says whose fault bytes are that are no message.

use axum::{
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
};
use tonic::{Code, Status, service::Routes};

use crate::Refusal;

/// What a refusal's details travel in; everything that Roster refuses has them.
const DETAILS: &str = "grpc-status-details-bin";

/// Puts [`layer`] in front of `routes`.
pub fn guarded(routes: Routes) -> Routes {
    Routes::from(routes.into_axum_router().layer(from_fn(layer)))
}

/// Answers `INVALID_ARGUMENT` where the gRPC library answers `INTERNAL` by
/// itself: it does so for requests that it cannot read (half a message, bytes
/// that are not Protobuf, a wrong compression flag), and that is the client's
/// fault, not a defect of the service. Roster's own `INTERNAL` has a reason in
/// its details and is left alone.
pub async fn layer(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if !is_unread(&response) {
        return response;
    }
    let message = "The request's bytes are not a message of this method";
    let refusal = Refusal::new(Code::InvalidArgument, "MALFORMED_REQUEST", message);
    Status::from(refusal).into_http()
}

/// Whether the answer is one that no method has given.
fn is_unread(response: &Response) -> bool {
    let headers = response.headers();
    let code = Status::from_header_map(headers).map_or(Code::Ok, |status| status.code());
    code == Code::Internal && !headers.contains_key(DETAILS)
}
