//! What the edge costs: calls through it, beside the same calls of the
//! service itself.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use roster_kernel::{Caller, Env};
use roster_proto::{
    identity::v1::{
        GetProfileRequest, GetSettingsRequest, account_service_client::AccountServiceClient,
    },
    session::v1::{
        AuthenticateRequest, authentication_service_client::AuthenticationServiceClient,
    },
};
use roster_server::{
    Limits, Upstream,
    metrics::{ConnectionMeter, Meters},
    outgoing, serve,
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tower::ServiceExt as _;

use crate::{
    authentication::{GATEWAY, LANES},
    bare, client,
    effort::Effort,
    measure::{Subject, compare},
    table::{Row, Unit},
    world::World,
};

/// The identity service on a listener of its own, served as the edge is, and
/// nothing of the edge in front of it: every call is the administrator's.
#[derive(Clone)]
struct Direct {
    identity: Upstream,
    caller: Caller,
    /// Whom to ask about whose token, where calls are authenticated.
    session: Option<(Upstream, String)>,
    env: Env,
}

impl Direct {
    async fn serve(self) -> (JoinSet<usize>, Channel) {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Router::new().fallback(Self::call).with_state(self);
        let mut serving = JoinSet::new();
        let (stop, meter) = (CancellationToken::new(), ConnectionMeter::new(&Meters::none()));
        serving.spawn(serve(listener, service, Limits::default(), meter, stop));
        (serving, client::connect(address).await)
    }

    async fn call(State(direct): State<Self>, mut request: Request) -> Response {
        if let Some((session, token)) = direct.session {
            let caller = Caller::service(GATEWAY);
            let ask = outgoing(AuthenticateRequest { token }, caller, None, direct.env.now());
            AuthenticationServiceClient::new(session).authenticate(ask).await.unwrap();
        }
        request.extensions_mut().insert(direct.caller);
        let Ok(response) = direct.identity.oneshot(request.map(tonic::body::Body::new)).await;
        response.map(Body::new)
    }
}

fn settings(calls: usize, channel: &Channel) -> Subject {
    let channel = channel.clone();
    Subject::new(calls, move || {
        let mut client = AccountServiceClient::new(channel.clone());
        async move {
            client.get_settings(GetSettingsRequest {}).await.unwrap();
        }
    })
}

fn profile(calls: usize, channel: &Channel, world: &World) -> Subject {
    let (channel, token) = (channel.clone(), world.token.clone());
    Subject::new(calls, move || {
        let mut client = AccountServiceClient::new(channel.clone());
        let request = client::signed(&token, GetProfileRequest {});
        async move {
            client.get_profile(request).await.unwrap();
        }
    })
}

pub async fn measure(effort: &Effort, world: &World) -> Vec<Row> {
    let direct = Direct {
        identity: world.upstream("identity"),
        caller: world.admin.clone(),
        session: None,
        env: Env::system(),
    };
    let session = Some((world.upstream("session"), world.plain_token.clone()));
    let authenticating = Direct { session, ..direct.clone() };
    let (_bare, bare) = bare::server().await;
    let (_direct, direct) = direct.serve().await;
    let (_authenticating, authenticating) = authenticating.serve().await;
    let mut rows = Vec::new();
    for lanes in [1, LANES] {
        let each = [
            bare::call(effort.calls, &bare),
            settings(effort.calls, &direct),
            settings(effort.calls, &world.channel),
            profile(effort.calls, &direct, world),
            profile(effort.calls, &authenticating, world),
            profile(effort.calls, &world.channel, world),
        ];
        let each = each.map(|subject| subject.lanes(lanes));
        let [bare, direct_open, open, direct_signed, authenticating, signed] =
            compare(effort.turns, each).await;
        let row = |what: &str, figure| {
            Row::new(format!("{what}, {lanes} at once"), figure, Unit::CpuMicros)
        };
        let (open_row, signed_row) = ("GetSettings, forwarded", "GetProfile, forwarded");
        rows.extend([
            row("GetSettings, direct", direct_open).beside(bare, "a bare gRPC call"),
            row(open_row, open).beside(direct_open, "the direct call").goal(1.5),
            row(open_row, open).beside(bare, "a bare gRPC call"),
            row(signed_row, signed).beside(authenticating, "direct, authenticating").goal(1.5),
            row(signed_row, signed).beside(direct_signed, "the direct call"),
            row(signed_row, signed).beside(bare, "a bare gRPC call"),
        ]);
    }
    rows
}
