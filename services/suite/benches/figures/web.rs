//! What HTTP costs beside gRPC, and how soon a page begins.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use roster_proto::identity::v1::{
    GetUserRequest, ListUsersRequest, user_admin_service_client::UserAdminServiceClient,
};
use tokio::{net::TcpStream, sync::Mutex};

use crate::{
    client,
    effort::Effort,
    measure::{Subject, at, compare, sorted},
    table::{Row, Unit},
    world::World,
};

const PAGE: i32 = 50;

/// A connection that is kept, for one request after the other.
#[derive(Clone)]
struct Connection {
    sender: Arc<Mutex<SendRequest<Empty<Bytes>>>>,
    headers: http::HeaderMap,
}

impl Connection {
    #[expect(clippy::disallowed_methods, reason = "the connection is driven beside the bench")]
    async fn open(world: &World) -> Self {
        let stream = TcpStream::connect(world.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let host = world.address().to_string().parse().unwrap();
        let headers = http::HeaderMap::from_iter([(header::HOST, host)]);
        Self { sender: Arc::new(Mutex::new(sender)), headers }
    }

    fn with(mut self, name: header::HeaderName, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    /// What is at `path`, and how long its first byte took in milliseconds.
    async fn get(&self, path: &str) -> (Bytes, f64) {
        let begun = Instant::now();
        let mut request = Request::get(path).body(Empty::new()).unwrap();
        *request.headers_mut() = self.headers.clone();
        let mut sender = self.sender.lock().await;
        sender.ready().await.unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let mut body = answer.into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let waited = begun.elapsed().as_secs_f64() * 1e3;
        let rest = body.collect().await.unwrap().to_bytes();
        (Bytes::from([first, rest].concat()), waited)
    }
}

fn json(calls: usize, connection: &Connection, path: String) -> Subject {
    let connection = connection.clone();
    Subject::new(calls, move || {
        let (connection, path) = (connection.clone(), path.clone());
        async move {
            // As a client of gRPC has its message, one of JSON has its value.
            let (body, _) = connection.get(&path).await;
            serde_json::from_slice::<serde_json::Value>(&body).unwrap();
        }
    })
}

pub async fn measure(effort: &Effort, large: &World) -> Vec<Row> {
    let connection = Connection::open(large).await;
    let bearer = format!("Bearer {}", large.plain_token);
    let calling = connection.clone().with(header::AUTHORIZATION, &bearer);
    let (channel, token) = (large.channel.clone(), large.token.clone());
    let user_id = large.user_id();
    let path = format!("/api/admin/users/{user_id}");
    let get = Subject::new(effort.calls, move || {
        let mut client = UserAdminServiceClient::new(channel.clone());
        let request = client::signed(&token, GetUserRequest { user_id: user_id.to_string() });
        async move {
            client.get_user(request).await.unwrap();
        }
    });
    let (channel, token) = (large.channel.clone(), large.token.clone());
    let pages = effort.calls.div_ceil(20);
    let list = Subject::new(pages, move || {
        let mut client = UserAdminServiceClient::new(channel.clone());
        let request = ListUsersRequest { page_size: PAGE, ..ListUsersRequest::default() };
        let request = client::signed(&token, request);
        async move {
            client.list_users(request).await.unwrap();
        }
    });
    let subjects = [
        get,
        json(effort.calls, &calling, path),
        list,
        json(pages, &calling, format!("/api/admin/users?pageSize={PAGE}")),
    ];
    let [get, get_json, list, list_json] = compare(effort.turns, subjects).await;
    let page = format!("ListUsers, {PAGE} of {} users, in JSON", effort.many_users);
    let mut rows = vec![
        Row::new("GetUser, in JSON", get_json, Unit::CpuMicros)
            .beside(get, "the same call in gRPC")
            .goal(2.0),
        Row::new(page, list_json, Unit::CpuMicros).beside(list, "the same call in gRPC").goal(1.5),
    ];
    rows.push(first_byte(effort, large, connection).await);
    rows
}

/// Of the page of users, as a browser asks for it.
async fn first_byte(effort: &Effort, large: &World, connection: Connection) -> Row {
    let cookie = format!("roster_session={}", large.plain_token);
    let browser = connection.with(header::COOKIE, &cookie);
    let mut waits = Vec::new();
    // One more than counts: the first finds everything cold.
    for _ in 0..=effort.calls.div_ceil(10) {
        let (page, waited) = browser.get("/admin/users").await;
        assert!(page.starts_with(b"<!DOCTYPE html>"));
        waits.push(waited);
    }
    let what = format!("the panel's page of {} users, first byte", effort.many_users);
    Row::new(what, at(&sorted(waits[1..].to_vec()), 50), Unit::Millis)
}
