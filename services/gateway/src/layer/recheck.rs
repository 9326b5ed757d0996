//! Looks again, every second, whether the caller of an open stream may still
//! have it: a call is over before anything changes; a stream is not. Where it
//! has no end of its own, the end of the process is its end, too.

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
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;

use super::{
    caller::{Authenticator, Token},
    routing::Routed,
};
use crate::Error;

/// How often.
const PERIOD: Duration = Duration::from_secs(1);

type Looking = Pin<Box<dyn Future<Output = Result<(), Status>> + Send>>;

/// What ends streams.
#[derive(Clone)]
pub struct Ends {
    /// Who knows whether a caller may still have one.
    pub authenticator: Authenticator,
    /// Completes when a drain begins.
    pub draining: CancellationToken,
}

/// Watches the streams of callers who are signed in.
pub async fn layer(
    State(Ends { authenticator, draining }): State<Ends>,
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
        let draining =
            watch.access.streams.open_ended.then(|| Box::pin(draining.cancelled_owned()));
        Body::new(Watched { body, watch, looking, looks: false, draining, over: false })
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

/// A stream that ends when its caller may have it no longer, or when it would hold
/// up the end of the process.
struct Watched {
    body: Body,
    watch: Watch,
    /// The pause until the next look, or the look.
    looking: Looking,
    looks: bool,
    /// The beginning of a drain, where the stream has no end of its own.
    draining: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    over: bool,
}

impl Watched {
    /// Whether the stream may go on. Pending while a look goes on: what comes
    /// meanwhile waits for it.
    fn poll_allowed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        if let Some(draining) = &mut self.draining
            && draining.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(Error::Draining.into()));
        }
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
