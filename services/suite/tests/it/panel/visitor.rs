//! Somebody whose browser does no more than it must: it keeps the cookie, and sends
//! forms. It follows no redirect, so that a test sees it.

use std::sync::Mutex;

use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::world::{ADMIN_PASSWORD, PASSWORD, World};

pub struct Visitor<'a> {
    world: &'a World,
    cookie: Mutex<Option<String>>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub page: String,
}

impl<'a> Visitor<'a> {
    /// Nobody yet.
    pub fn new(world: &'a World) -> Self {
        Self { world, cookie: Mutex::default() }
    }

    /// The first administrator, signed in.
    pub async fn admin(world: &'a World) -> Self {
        Self::signed_in(world, "admin", ADMIN_PASSWORD).await
    }

    /// Somebody with the usual password, signed in.
    pub async fn user(world: &'a World, username: &str) -> Self {
        Self::signed_in(world, username, PASSWORD).await
    }

    async fn signed_in(world: &'a World, username: &str, password: &str) -> Self {
        let visitor = Self::new(world);
        let answer = visitor.sign_in(username, password).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.page);
        visitor
    }

    pub async fn sign_in(&self, username: &str, password: &str) -> Answer {
        self.post("/sign-in", &[("username", username), ("password", password)]).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(String::new()).unwrap()).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = format!("http://{}", self.world.suite.address());
        let request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, origin)
            .header("sec-fetch-site", "same-origin");
        self.send(request.body(form(fields)).unwrap()).await
    }

    /// A request with the cookie.
    pub fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let host = self.world.suite.address().to_string();
        let request = Request::builder().method(method).uri(path).header(header::HOST, host);
        match self.cookie.lock().unwrap().as_ref() {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        }
    }

    pub async fn send(&self, request: Request<String>) -> Answer {
        let stream = TcpStream::connect(self.world.suite.address()).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let exchange = async {
            let (head, body) = sender.send_request(request).await.unwrap().into_parts();
            (head, body.collect().await.unwrap().to_bytes())
        };
        let (head, body) = tokio::select! {
            biased;
            answer = exchange => answer,
            ended = connection => panic!("the connection has ended: {ended:?}"),
        };
        self.keep(&head.headers);
        let page = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, page }
    }

    fn keep(&self, headers: &HeaderMap) {
        if let Some(set) = headers.get(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let cookie = set.split(';').next().unwrap().to_owned();
            let is_gone = set.contains("Max-Age=0");
            *self.cookie.lock().unwrap() = (!is_gone).then_some(cookie);
        }
    }
}

impl Answer {
    /// Where a redirect leads to.
    pub fn leads_to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.page);
        self.headers[header::LOCATION].to_str().unwrap()
    }

    /// What the form of the page sends along under this name.
    pub fn hidden(&self, name: &str) -> String {
        let start = format!("type=\"hidden\" name=\"{name}\" value=\"");
        let (_, rest) = self.page.split_once(&start).expect("a hidden field");
        rest.split('"').next().unwrap().to_owned()
    }

    /// Whether `words` stand on the page, whatever is marked up in between.
    pub fn says(&self, words: &str) -> bool {
        text(&self.page).contains(words)
    }
}

pub fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The texts of a page.
fn text(page: &str) -> String {
    let texts = page.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text);
    let unescape = |text: String| {
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    };
    unescape(texts.collect())
}
