//! A client that sends what it is told to, and nothing besides.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    client::Client,
    world::{ADMIN_PASSWORD, World},
};

/// Somebody who speaks HTTP.
#[derive(Clone, Debug)]
pub struct Http {
    address: SocketAddr,
    headers: HeaderMap,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Http {
    /// Nobody in particular.
    pub fn of(world: &World) -> Self {
        Self { address: world.suite.address(), headers: HeaderMap::new() }
    }

    /// The origin of the edge that it calls, which is one of several where services
    /// run apart.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same, with another header on each request.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    /// Somebody who sends a token.
    pub fn bearer(self, client: &Client) -> Self {
        let token = format!("Bearer {}", client.token());
        self.with("authorization", &token)
    }

    /// The administrator in a browser: with a cookie.
    pub async fn cookie_of_admin(self) -> Self {
        let credentials = serde_json::json!({ "username": "admin", "password": ADMIN_PASSWORD });
        let signed_in = self.post("/api/auth/login", &credentials).await;
        assert_eq!(signed_in.status, StatusCode::OK, "{signed_in:?}");
        let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
        self.with("cookie", &cookie)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "").await
    }

    pub async fn post(&self, path: &str, body: &Json) -> Answer {
        self.json(Method::POST, path, body).await
    }

    pub async fn json(&self, verb: Method, path: &str, body: &Json) -> Answer {
        let json = self.clone().with("content-type", "application/json");
        json.send(verb, path, &body.to_string()).await
    }

    pub async fn send(&self, verb: Method, path: &str, body: &str) -> Answer {
        let answer = self.open(verb, path, body).await;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// Answers as soon as the head of the answer is there.
    #[expect(clippy::disallowed_methods, reason = "the connection is driven beside the test")]
    pub async fn open(
        &self,
        verb: Method,
        path: &str,
        body: &str,
    ) -> http::Response<hyper::body::Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::new(Full::new(Bytes::from(body.to_owned())));
        *request.method_mut() = verb;
        *request.uri_mut() = path.parse().unwrap();
        *request.headers_mut() = self.headers.clone();
        let host = self.address.to_string().parse().unwrap();
        request.headers_mut().entry(header::HOST).or_insert(host);
        client.send_request(request).await.unwrap()
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The reason of a refusal.
    pub fn reason(&self) -> String {
        let json = self.json();
        let details = json["error"]["details"].as_array().unwrap().clone();
        let info = details.iter().find_map(|detail| detail["reason"].as_str());
        info.unwrap_or_else(|| panic!("no reason: {json}")).to_owned()
    }

    /// The fields that a refusal names.
    pub fn fields(&self) -> Vec<String> {
        let json = self.json();
        let details = json["error"]["details"].as_array().unwrap().clone();
        let violations = details.iter().filter_map(|detail| detail["fieldViolations"].as_array());
        violations.flatten().map(|it| it["field"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// What is answered to these bytes until the connection is closed.
pub async fn raw(world: &World, bytes: &str) -> String {
    let mut stream = TcpStream::connect(world.suite.address()).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
