//! Looks again, every second, whether the caller of an open stream may still
//! have it. A call is over before anything changes; a stream is not.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::HeaderMap;
use http_body::Frame;
use roster_kernel::Caller;
use roster_server::MethodAccess;
use tonic::Status;

use super::{
    caller::{Authenticator, Token},
    routing::Routed,
};
use crate::Error;

/// How often.
const PERIOD: Duration = Duration::from_secs(1);

type Looking = Pin<Box<dyn Future<Output = Result<(), Status>> + Send>>;

/// Watches the streams of callers who are signed in.
pub async fn layer(
    State(authenticator): State<Authenticator>,
    request: Request,
    next: Next,
) -> Response {
    let extensions = request.extensions();
    let stream = extensions.get::<Routed>().filter(|it| it.0.access.streams.any());
    let signed_in = extensions.get::<Token>().cloned().zip(extensions.get::<Caller>().cloned());
    let Some((routed, (token, caller))) = stream.zip(signed_in) else {
        return next.run(request).await;
    };
    let watch = Watch { authenticator, token, caller, access: routed.0.access };
    next.run(request).await.map(|body| {
        let looking = watch.clone().after_a_while();
        Body::new(Watched { body, watch, looking, looks: false, over: false })
    })
}

/// What is looked at.
#[derive(Clone)]
struct Watch {
    authenticator: Authenticator,
    token: Token,
    caller: Caller,
    access: MethodAccess,
}

impl Watch {
    fn after_a_while(self) -> Looking {
        let rest = self.authenticator.env.sleep(PERIOD);
        Box::pin(async move {
            rest.await;
            Ok(())
        })
    }

    fn now(self) -> Looking {
        Box::pin(async move {
            let name = &self.caller.correlation_id;
            let actor = self.authenticator.again(&self.token, name).await?;
            self.access.decide(&actor).map_err(|refusal| Error::Access(refusal).into())
        })
    }
}

/// A stream that ends when its caller may have it no longer.
struct Watched {
    body: Body,
    watch: Watch,
    /// The pause until the next look, or the look.
    looking: Looking,
    looks: bool,
    over: bool,
}

impl Watched {
    /// Pending while a look goes on: what comes meanwhile waits for it.
    fn poll_allowed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        while let Poll::Ready(found) = self.looking.as_mut().poll(cx) {
            if let Err(status) = found {
                return Poll::Ready(Err(status));
            }
            self.looks = !self.looks;
            let watch = self.watch.clone();
            self.looking = if self.looks { watch.now() } else { watch.after_a_while() };
        }
        if self.looks { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn end(&mut self, status: &Status) -> Option<Frame<Bytes>> {
        self.over = true;
        self.body = Body::empty();
        let mut trailers = HeaderMap::new();
        status.add_header(&mut trailers).ok().map(|()| Frame::trailers(trailers))
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        match self.poll_allowed(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(status)) => Poll::Ready(self.end(&status).map(Ok)),
            Poll::Ready(Ok(())) => Pin::new(&mut self.body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }
}
