//! Traces across the borders of processes: W3C Trace Context.

use std::collections::HashMap;

use opentelemetry::{propagation::TextMapPropagator, trace::TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

/// The current span as a W3C `traceparent`, if it is part of a trace.
#[must_use]
pub fn traceparent() -> Option<String> {
    let context = Span::current().context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes `span` part of the trace that `traceparent` names. A malformed one
/// is ignored.
pub fn continue_trace(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    // Fails only where no trace is recorded at all.
    let _not_recorded = span.set_parent(context);
}

/// The id of the trace that `span` is part of, in hexadecimal, if it is part of
/// one.
#[must_use]
pub fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let context = span.span_context();
    context.is_valid().then(|| context.trace_id().to_string())
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_goes_on_behind_a_traceparent() {
        let provider = SdkTracerProvider::builder().build();
        let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(traces);
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("work");
            continue_trace(&span, PARENT);
            let _entered = span.enter();
            let own = traceparent().unwrap();
            assert_eq!(own[..36], PARENT[..36]);
            assert_ne!(own, PARENT);
        });
    }

    #[test]
    fn a_malformed_traceparent_is_ignored() {
        let provider = SdkTracerProvider::builder().build();
        let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(traces);
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("work");
            continue_trace(&span, "00-rubbish");
            let _entered = span.enter();
            assert!(traceparent().is_some());
        });
    }

    #[test]
    fn without_traces_there_is_no_traceparent() {
        let span = tracing::info_span!("work");
        continue_trace(&span, PARENT);
        let _entered = span.enter();
        assert_eq!(traceparent(), None);
    }
}
