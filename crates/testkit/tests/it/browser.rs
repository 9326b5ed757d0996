//! The browser, at a page that has all that it is asked about.

use std::time::Duration;

use axum::{
    Router,
    extract::RawQuery,
    http::{HeaderMap, header},
    response::{Html, IntoResponse},
    routing::get,
};
use roster_testkit::browser::{Key, Page, Scheme, Site, Visitor};

const STYLE: &str = "<style>
    body { color: #111; background: #fff }
    @media (prefers-color-scheme: dark) { body { color: #eee; background: #000 } }
</style>";

const SCRIPT: &str = "<script>
    document.getElementById('said').textContent = 'Scripts run.';
    document.querySelector('button[type=button]').onclick = () => {
        setTimeout(() => document.getElementById('said').textContent = 'Pressed.', 20);
    };
</script>";

async fn front() -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=en><head><title>A page</title>{STYLE}
        <link rel=icon href='data:,'></head><body><main><h1>A page</h1>
        <p id=said>Nothing was said.</p><noscript><p>Scripts do not run.</p></noscript>
        <form action=/found>
            <p><label>Name <input name=name value=nobody></label></p>
            <p><label>Colour <select name=colour><option>Red</option><option>Green</option>
                </select></label></p>
            <p><label><input type=checkbox name=really value=yes> Really</label></p>
            <p><button>Search</button> <button type=button>Press</button></p>
        </form></main>{SCRIPT}</body></html>"
    ))
}

async fn found(RawQuery(query): RawQuery, headers: HeaderMap) -> Html<String> {
    let query = query.unwrap_or_default();
    let header = |name| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let (language, agent) = (header(header::ACCEPT_LANGUAGE), header(header::USER_AGENT));
    Html(format!(
        "<!doctype html><html lang=en><head><title>Found</title><link rel=icon href='data:,'></head>
        <body><main><h1>Found</h1><p>{query}</p><p>{language}</p><p>{agent}</p>
        <a href=/>Back</a></main></body></html>"
    ))
}

/// A picture without words, a field without a label, text that can hardly be read.
async fn careless() -> Html<&'static str> {
    Html(
        "<!doctype html><html lang=en><head><title>Careless</title><link rel=icon href='data:,'>
        </head><body><main><h1>Careless</h1><img src='data:,'><input>
        <p style='color: #bbb; background: #fff'>Hardly to be read</p></main></body></html>",
    )
}

/// What the policy forbids, and a cookie of each kind.
async fn strict() -> impl IntoResponse {
    let policy = "default-src 'none'; script-src 'nonce-one'; img-src data:";
    let cookies = [
        (header::SET_COOKIE, "open=1; Path=/strict"),
        (header::SET_COOKIE, "shut=2; Path=/; HttpOnly; SameSite=Strict; Max-Age=600"),
    ];
    let page = "<!doctype html><html lang=en><head><title>Strict</title><link rel=icon href='data:,'>
        </head><body><h1>Strict</h1><script>document.body.textContent = 'Broken'</script>
        <script nonce=one>console.error('at', 7); alert('Hello'); nothing.at.all</script></body></html>";
    (
        axum::response::AppendHeaders(cookies),
        [(header::CONTENT_SECURITY_POLICY, policy)],
        Html(page),
    )
}

fn site() -> Router {
    Router::new()
        .route("/", get(front))
        .route("/found", get(found))
        .route("/careless", get(careless))
        .route("/strict", get(strict))
}

async fn open(visitor: &Visitor, path: &str) -> (Site, Page) {
    let site = Site::new(site()).await;
    let page = visitor.page().await;
    page.open(&format!("{}{path}", site.origin())).await;
    (site, page)
}

#[tokio::test]
async fn scripts_run() {
    let (_site, page) = open(&Visitor::default(), "/").await;
    page.reads("Scripts run.").await;
    assert!(!page.text().await.contains("Scripts do not run."));
    page.click("button", "Press").await;
    page.reads("Pressed.").await;
    assert_eq!(page.complaints().await, []);
}

#[tokio::test]
async fn scripts_do_not_run_for_who_does_without() {
    let (_site, page) = open(&Visitor::without_javascript(), "/").await;
    let text = page.text().await;
    assert!(text.contains("Nothing was said.") && text.contains("Scripts do not run."), "{text}");
    // Nor after axe-core has, whose scripts do.
    assert_eq!(page.violations().await, []);
    assert!(page.text().await.contains("Scripts do not run."));
    page.follow("button", "Search").await;
    page.follow("link", "Back").await;
    assert!(page.text().await.contains("Nothing was said."));
}

#[tokio::test]
async fn forms_are_filled_in_and_sent() {
    for visitor in [Visitor::default(), Visitor::without_javascript()] {
        let (site, page) = open(&visitor, "/").await;
        page.fill("Name", "Mara").await;
        page.choose("Colour", "Green").await;
        page.click("checkbox", "Really").await;
        page.follow("button", "Search").await;
        page.reads("name=Mara&colour=Green&really=yes").await;
        assert!(page.url().await.starts_with(&format!("{}/found?", site.origin())));
    }
}

#[tokio::test]
async fn the_keyboard_is_enough() {
    let (_site, page) = open(&Visitor::default(), "/").await;
    let mut way = Vec::new();
    for _ in 0..4 {
        page.press(Key::Tab).await;
        way.push(page.focused().await);
    }
    let named = |role: &str, name: &str| (role.to_owned(), name.to_owned());
    let expected = [
        named("textbox", "Name"),
        named("combobox", "Colour"),
        named("checkbox", "Really"),
        named("button", "Search"),
    ];
    assert_eq!(way, expected);
    page.press(Key::ShiftTab).await;
    page.press(Key::Space).await;
    page.press(Key::Tab).await;
    page.press_and_follow(Key::Enter).await;
    page.reads("name=nobody&colour=Red&really=yes").await;
}

#[tokio::test]
async fn a_visitor_has_a_window_colours_a_language_and_a_time_zone() {
    let dark = Visitor {
        width: 360,
        height: 640,
        scheme: Scheme::Dark,
        language: "de-AT",
        time_zone: "Asia/Tokyo",
        user_agent: Some("<b>odd</b>/1.0".to_owned()),
        ..Visitor::default()
    };
    let seen = "[innerWidth, innerHeight, getComputedStyle(document.body).backgroundColor,
        navigator.language, new Date(0).toLocaleString()].join(' ')";
    let (site, page) = open(&dark, "/").await;
    page.screenshot("browser-dark").await;
    assert_eq!(page.evaluate(seen).await, "360 640 rgb(0, 0, 0) de-AT 1.1.1970, 09:00:00");
    page.open(&format!("{}/found", site.origin())).await;
    let text = page.text().await;
    assert!(text.contains("de-AT") && text.contains("odd/1.0"), "{text}");

    let (_site, page) = open(&Visitor { width: 2560, ..Visitor::default() }, "/").await;
    let light = "2560 900 rgb(255, 255, 255) en-GB 01/01/1970, 01:00:00";
    assert_eq!(page.evaluate(seen).await, light);
}

#[tokio::test]
async fn axe_finds_what_is_wrong_and_nothing_else() {
    let (site, page) = open(&Visitor::default(), "/").await;
    page.is_accessible().await;
    page.open(&format!("{}/careless", site.origin())).await;
    let found = page.violations().await;
    let rules: Vec<_> = found.iter().map(|it| it.rule.as_str()).collect();
    assert_eq!(rules, ["color-contrast", "image-alt", "label"]);
    let said = found[0].to_string();
    assert!(said.contains("<p style=\"color: #bbb"), "{said}");
    // In the dark it is the page's own colours that are judged.
    let dark = Visitor { scheme: Scheme::Dark, ..Visitor::default() };
    open(&dark, "/").await.1.is_accessible().await;
}

#[tokio::test]
async fn what_goes_wrong_is_heard_of() {
    let (_site, page) = open(&Visitor::default(), "/strict").await;
    page.reads("Strict").await;
    let complaints = page.complaints().await;
    for (source, text) in [
        ("security", "Content Security Policy"),
        ("console", "at 7"),
        ("dialog", "Hello"),
        ("exception", "nothing is not defined"),
    ] {
        let heard = complaints.iter().any(|it| it.source == source && it.text.contains(text));
        assert!(heard, "{source}: {complaints:?}");
    }
    assert_eq!(complaints.len(), 4, "{complaints:?}");
    assert_eq!(page.complaints().await, []);
}

#[tokio::test]
async fn cookies_are_somebodys_own_and_say_who_may_have_them() {
    let (site, page) = open(&Visitor::default(), "/strict").await;
    let cookies = page.cookies().await;
    let [open, shut] = &*cookies else { panic!("two cookies: {cookies:?}") };
    assert_eq!(
        (open.name.as_str(), open.value.as_str(), open.path.as_str()),
        ("open", "1", "/strict")
    );
    assert!(!open.http_only && open.session && open.same_site.is_empty() && !open.secure);
    assert_eq!((shut.name.as_str(), shut.value.as_str(), shut.path.as_str()), ("shut", "2", "/"));
    assert!(shut.http_only && !shut.session && shut.same_site == "Strict");
    assert_eq!(shut.domain, "127.0.0.1");

    let another = page.another().await;
    assert_eq!(another.cookies().await, cookies);
    let (_site, stranger) = (site, Visitor::default().page().await);
    assert_eq!(stranger.cookies().await, []);
}

#[tokio::test]
async fn what_a_page_weighs_is_counted_as_it_was_sent() {
    const BODY: u64 = 50_000;
    let long = "<!doctype html><title>Long</title><link rel=icon href='data:,'>".to_owned();
    let long = format!("{long:<0$}", usize::try_from(BODY).unwrap());
    let site = Site::new(Router::new().route("/", get(Html(long)))).await;
    let page = Visitor::default().page().await;
    for _ in 0..2 {
        page.open(&site.origin()).await;
        let received = page.received().await;
        assert!((BODY..BODY + 1_000).contains(&received), "{received}");
    }
}

#[tokio::test]
#[should_panic(expected = "heading \"There\"")]
async fn who_waits_in_vain_is_told_what_there_is() {
    let page = Visitor { patience: Duration::ZERO, ..Visitor::default() }.page().await;
    page.evaluate("document.body.innerHTML = '<h1>There</h1>'").await;
    page.click("button", "Find").await;
}
