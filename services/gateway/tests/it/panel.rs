//! Pages, and the calls that they are made of.

use axum::{body::Body, response::Response};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use roster_gateway::GatewayConfig;
use roster_kernel::Actor;

use crate::edge::{Edge, GET_PROFILE, Tokens};

const USERS: &str = "/admin/users?q=a%26b";

fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "roster.example")
        .header(header::COOKIE, "roster_session=admin")
        .header(header::USER_AGENT, "A browser")
        .header("sec-fetch-site", "same-origin")
        .body(Body::empty())
        .unwrap()
}

async fn page(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_page_is_made_of_calls_of_whoever_asks_for_it() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    let response = edge.send(request(Method::GET, USERS)).await;
    let name = response.headers()["x-request-id"].to_str().unwrap();
    let [call] = &edge.seen()[..] else { panic!("one call: whose page it is") };
    assert_eq!(call.path, GET_PROFILE);
    let caller = call.caller.as_ref().unwrap();
    assert!(matches!(caller.actor, Actor::User(_)), "{caller:?}");
    assert_eq!(
        (caller.origin.user_agent.as_str(), caller.correlation_id.as_str()),
        ("A browser", name)
    );
    assert!(!call.headers.contains_key(header::COOKIE));
    assert!(call.deadline.is_some(), "nobody waits for ever");
}

#[tokio::test]
async fn where_a_service_is_away_the_page_says_so_and_can_be_asked_for_again() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    *edge.tokens.lock().unwrap() = Tokens::Unknown;
    let response = edge.send(request(Method::GET, USERS)).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let shown = page(response).await;
    assert!(shown.contains("Not available right now"), "{shown}");
    assert!(shown.contains("href=\"/admin/users?q=a%26b\">Try again"), "{shown}");

    // A form is not sent again by a link.
    let mut sent = request(Method::POST, "/admin/users/new");
    let form = "application/x-www-form-urlencoded".parse().unwrap();
    sent.headers_mut().insert(header::CONTENT_TYPE, form);
    let response = edge.send(sent).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!page(response).await.contains("Try again<"));
}

#[tokio::test]
async fn a_session_that_has_ended_is_none() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    *edge.tokens.lock().unwrap() = Tokens::Over;
    let response = edge.send(request(Method::GET, USERS)).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let to = "/sign-in?to=%2Fadmin%2Fusers%3Fq%3Da%2526b";
    assert_eq!(response.headers()[header::LOCATION], to);
}

#[tokio::test]
async fn a_form_that_is_no_form_is_refused_as_a_page() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    let mut sent = request(Method::POST, "/sign-in");
    sent.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    let response = edge.send(sent).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(page(response).await.contains("The form could not be read"));
    let mut sent = request(Method::POST, "/sign-in");
    let form = "application/x-www-form-urlencoded".parse().unwrap();
    sent.headers_mut().insert(header::CONTENT_TYPE, form);
    *sent.body_mut() = Body::from("a".repeat(100 * 1024));
    assert_eq!(edge.send(sent).await.status(), StatusCode::BAD_REQUEST);
    assert!(edge.seen().iter().all(|call| call.path == GET_PROFILE), "nobody is signed in");
}
