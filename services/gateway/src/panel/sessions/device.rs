//! What a session was opened with, in words. Clients say of themselves what they
//! like: this is a hint for people, and decides nothing.

/// What a client calls itself, and what people call it. What comes first counts,
/// as most browsers claim to be others, too.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
];

/// Programs that are no browsers, which begin with their name.
const PROGRAMS: &[(&str, &str)] = &[
    ("grpcurl/", "grpcurl"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("grpc-go/", "gRPC for Go"),
    ("grpc-java", "gRPC for Java"),
    ("grpc-node-js/", "gRPC for Node.js"),
    ("grpc-python/", "gRPC for Python"),
    ("grpc-dotnet/", "gRPC for .NET"),
    ("tonic/", "gRPC for Rust"),
    ("python-requests/", "Python"),
    ("python-httpx/", "Python"),
    ("Python/", "Python"),
    ("okhttp/", "OkHttp"),
    ("Go-http-client/", "Go"),
    ("node", "Node.js"),
    ("PostmanRuntime/", "Postman"),
];

/// What a system is called. A phone names the system that its own is made from.
const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("OpenBSD", "OpenBSD"),
    ("Linux", "Linux"),
    ("linux", "Linux"),
];

/// A version is not longer than this.
const MOST_DIGITS: usize = 4;

/// The client and its system, as far as `user_agent` says something that is
/// known.
pub fn in_words(user_agent: &str) -> String {
    let client = browser(user_agent).or_else(|| program(user_agent));
    match (client, system(user_agent)) {
        (Some(client), Some(system)) => format!("{client} on {system}"),
        (Some(client), None) => client,
        (None, Some(system)) => format!("Unknown client on {system}"),
        (None, None) => "Unknown client".to_owned(),
    }
}

fn browser(user_agent: &str) -> Option<String> {
    let said = |(token, name): &(&str, &str)| named(user_agent, token, name);
    BROWSERS.iter().find_map(said).or_else(|| {
        // It gives its version apart from its name, which others use as well.
        let is_safari = user_agent.contains("Safari/");
        if is_safari { named(user_agent, "Version/", "Safari") } else { None }
    })
}

fn program(user_agent: &str) -> Option<String> {
    let is_it = |(token, _): &&(&str, &str)| user_agent.starts_with(token);
    PROGRAMS.iter().find(is_it).map(|(_, name)| (*name).to_owned())
}

fn system(user_agent: &str) -> Option<&'static str> {
    SYSTEMS.iter().find(|(token, _)| user_agent.contains(token)).map(|(_, name)| *name)
}

/// `name` and the version that stands behind `token`, if it is there.
fn named(user_agent: &str, token: &str, name: &str) -> Option<String> {
    let (_, behind) = user_agent.split_once(token)?;
    let is_digit = |letter: &char| letter.is_ascii_digit();
    let version: String = behind.chars().take_while(is_digit).take(MOST_DIGITS).collect();
    Some(if version.is_empty() { name.to_owned() } else { format!("{name} {version}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";

    #[test]
    fn browsers_that_claim_to_be_others_are_told_apart() {
        for (user_agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
                "Firefox 132 on Linux",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/131.0.0.0 Safari/537.36"
                ),
                "Chrome 131 on Windows",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Windows NT 10.0) {KIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.48"
                ),
                "Edge 131 on Windows",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Linux; Android 14; K) {KIT} Chrome/130.0 Mobile Safari/537.36"
                ),
                "Chrome 130 on Android",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                "Safari 18 on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1",
                "Chrome 131 on iPhone",
            ),
            (
                &format!(
                    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {KIT} Chrome/129.0 Safari/537.36 OPR/115.0"
                ),
                "Opera 115 on ChromeOS",
            ),
        ] {
            assert_eq!(in_words(user_agent), words);
        }
    }

    #[test]
    fn programs_are_named() {
        assert_eq!(in_words("grpcurl/1.9.3 grpc-go/1.61.0"), "grpcurl");
        assert_eq!(in_words("curl/8.5.0"), "curl");
        assert_eq!(in_words("tonic/0.14.9"), "gRPC for Rust");
        assert_eq!(in_words("grpc-java-netty/1.60"), "gRPC for Java");
        assert_eq!(in_words("Wget/1.21.3 (linux-gnu)"), "Wget on Linux");
    }

    #[test]
    fn of_what_is_not_known_nothing_is_repeated() {
        assert_eq!(in_words(""), "Unknown client");
        assert_eq!(in_words("<script>alert(1)</script>"), "Unknown client");
        assert_eq!(in_words("<b>Windows</b>"), "Unknown client on Windows");
        assert_eq!(in_words("Firefox/<b>"), "Firefox");
        assert_eq!(in_words("Firefox/99999999999"), "Firefox 9999");
    }
}
