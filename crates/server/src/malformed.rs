//! Says in Roster's words what the gRPC library refuses by itself.

use axum::{
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
};
use tonic::{Code, Status, service::Routes};

use crate::{Refusal, body_limit};

/// What a refusal's details travel in; everything that Roster refuses has them.
const DETAILS: &str = "grpc-status-details-bin";

/// Which compressions are understood; comes with the refusal of another one.
const ENCODINGS: &str = "grpc-accept-encoding";

/// Puts [`layer`] in front of `routes`.
pub fn guarded(routes: Routes) -> Routes {
    Routes::from(routes.into_axum_router().layer(from_fn(layer)))
}

/// Gives a request that the library cannot read (half a message, bytes that
/// are not Protobuf, a wrong compression flag, an unknown compression, a
/// length beyond all bounds) a refusal with a reason. The library calls the
/// first ones `INTERNAL`, but they are the client's fault and no defect of the
/// service. Roster's own refusals are left alone.
pub async fn layer(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let Some(refusal) = unread(&response) else { return response };
    let mut refused: Response = Status::from(refusal).into_http();
    // What could be read instead is a part of the answer (gRPC, compression).
    if let Some(encodings) = response.headers().get(ENCODINGS) {
        refused.headers_mut().insert(ENCODINGS, encodings.clone());
    }
    refused
}

/// The refusal of a request that no method has seen.
fn unread(response: &Response) -> Option<Refusal> {
    let headers = response.headers();
    if headers.contains_key(DETAILS) {
        return None;
    }
    let code = Status::from_header_map(headers)?.code();
    if code == Code::OutOfRange {
        return Some(body_limit::too_large());
    }
    if code == Code::Unimplemented && headers.contains_key(ENCODINGS) {
        let message = "Messages cannot be compressed in this way; send them as they are";
        return Some(Refusal::new(code, "COMPRESSION_UNSUPPORTED", message));
    }
    let message = "The request's bytes are not a message of this method";
    let refusal = Refusal::new(Code::InvalidArgument, "MALFORMED_REQUEST", message);
    (code == Code::Internal).then_some(refusal)
}
