//! The example client in Python, against the edge.

use std::process::{Command, Output};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{installation::Installation, notes::python};
use crate::world::PASSWORD;

fn command(roster: &Installation, address: &str) -> Command {
    let token = roster.folder.path().join("token");
    std::fs::write(&token, roster.admin.token()).unwrap();
    let mut command = python("client");
    command.args(["-m", "roster_client"]);
    command.env("ROSTER_ADDRESS", address).env("ROSTER_PLAINTEXT", "1");
    command.env("ROSTER_TOKEN_FILE", token).env("NEW_PASSWORD", PASSWORD);
    command
}

/// What it prints, apart from the runtime that serves it.
async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn lines(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Takes connections for an edge, and hangs up on the first.
async fn shaky(edge: std::net::SocketAddr) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    let serving = tokio::spawn(async move {
        drop(listener.accept().await.unwrap());
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = TcpStream::connect(edge).await.unwrap();
            // Either may hang up.
            let _ended = copy_bidirectional(&mut client, &mut server).await;
        }
    });
    (address, serving)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL, a broker and Python: cargo xtask test has them"]
async fn the_client_in_python_does_what_it_shows() {
    let roster = Installation::new().await;
    let edge = roster.cluster.address();
    let address = edge.to_string();
    for number in 0..100 {
        roster.create(&format!("user-{number}")).await;
    }
    let call = |arguments: &[&str]| {
        let mut command = command(&roster, &address);
        command.args(arguments);
        run(command)
    };
    let created = lines(&call(&["create", "mara", "Mara Ilves"]).await);
    let listed = lines(&call(&["list"]).await);
    // More than one page.
    assert_eq!(listed.len(), 102);
    assert_eq!(listed[0], format!("{} mara Mara Ilves", created[0]));

    let refused = call(&["create", "mara", "Another Mara"]).await;
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("ALREADY_EXISTS: Username already exists"), "{told}");
    assert!(told.contains("reason: USERNAME_TAKEN"), "{told}");
    let refused = call(&["create", "jo", "Jo"]).await;
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("username: must have 3 to 50 characters"), "{told}");

    // What is not available for a moment is called again, and nobody is
    // created twice.
    let (address, serving) = shaky(edge).await;
    let mut again = command(&roster, &address);
    again.args(["create", "again", "Once"]);
    assert_eq!(lines(&run(again).await).len(), 1);
    serving.abort();
    let listed = lines(&call(&["list"]).await);
    assert_eq!(listed.iter().filter(|line| line.contains(" again ")).count(), 1);
    roster.cluster.stop().await;
}
