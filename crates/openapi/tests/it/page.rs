//! What people read.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use crate::shop::page;

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    let page = page();
    for never in ["<script", "javascript:", " style=", "src=", "@import", "url(", " on"] {
        let found = page.html.match_indices(never).map(|(at, _)| &page.html[at..at + 40]);
        let found: Vec<_> =
            found.filter(|it| !it.starts_with(" on") || it[..9].contains('=')).collect();
        assert!(found.is_empty(), "{found:?}");
    }
    let (_, style) = page.html.split_once("<style>").unwrap();
    let (style, _) = style.split_once("</style>").unwrap();
    let hash = STANDARD.encode(Sha256::digest(style));
    assert!(page.policy.contains(&format!("style-src 'sha256-{hash}'")), "{}", page.policy);
    assert!(page.policy.starts_with("default-src 'none'"));
}

#[test]
fn texts_of_the_contract_are_texts() {
    let html = page().html;
    assert!(html.contains("The &lt;Shop&gt;") && html.contains("Sells &lt;things&gt;."));
    assert!(!html.contains("<Shop>") && !html.contains("<things>"));
    assert!(html.contains("For <code>everybody</code>."));
}

#[test]
fn every_link_within_it_leads_somewhere_and_no_place_is_there_twice() {
    let html = page().html;
    let after = |mark: &str| {
        let pieces = html.split(mark).skip(1).map(|it| it.split('"').next().unwrap());
        pieces.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut places = after(" id=\"");
    let links = after("href=\"#");
    assert!(links.len() > 10);
    for link in links {
        assert!(places.contains(&link), "nothing is at #{link}");
    }
    for labelled in after("aria-labelledby=\"") {
        assert!(places.contains(&labelled), "nothing is called {labelled}");
    }
    let all = places.len();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), all);
}

#[test]
fn a_method_is_told_with_all_that_it_takes() {
    let html = page().html;
    let (_, update) = html.split_once("id=\"Shop.UpdateItem\"").unwrap();
    let (update, _) = update.split_once("</article>").unwrap();
    for said in [
        "PATCH",
        "Administrators",
        "Changes an item.",
        "Parameters of UpdateItem",
        "Body of UpdateItem",
        "1 to 20 characters",
        "409 Conflict",
        "412 Precondition Failed",
        "curl --request PATCH",
        "Authorization: Bearer $TOKEN",
        "--json",
    ] {
        assert!(update.contains(said), "{said}: {update}");
    }
    assert!(!html.contains("Secret"));
}
