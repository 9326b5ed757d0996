//! What the program does about users.

use std::time::Duration;

use roster_proto::identity::v1::{CreateUserRequest, ListUsersRequest, User};
use secrecy::{ExposeSecret as _, SecretString};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::Connection;

/// How long a call may take. The server hears of it, and stops working on what
/// nobody waits for.
const WITHIN: Duration = Duration::from_secs(10);

/// How many users a page has.
const PAGE: i32 = 100;

/// How often a change is tried.
const ATTEMPTS: u32 = 5;

/// How long to wait before the second attempt, where the server does not say;
/// twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(200);

/// A call of `message` that does not wait for ever.
fn within<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(WITHIN);
    request
}

/// Hands every user to `each`, newest first, page by page: nobody's memory has
/// to hold all of them.
pub async fn list_users<E: From<Status>>(
    connection: &mut Connection,
    mut each: impl FnMut(User) -> Result<(), E>,
) -> Result<(), E> {
    let mut page_token = String::new();
    loop {
        let request = ListUsersRequest { page_size: PAGE, page_token, ..Default::default() };
        let page = connection.list_users(within(request)).await?.into_inner();
        page.users.into_iter().try_for_each(&mut each)?;
        // Empty on the last page, and on no other.
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        page_token = page.next_page_token;
    }
}

/// Who is to be created.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// What the user signs in with.
    pub username: String,
    /// What others see.
    pub display_name: String,
    /// A password for the first time: the user has to choose another one then.
    pub password: SecretString,
}

/// Creates a user. The name of the request makes it safe to try again: whether
/// the first attempt had taken effect or not, there is one user in the end, and
/// the answer is about that one.
pub async fn create_user(connection: &mut Connection, user: &NewUser) -> Result<User, Status> {
    let request = CreateUserRequest {
        username: user.username.clone(),
        display_name: user.display_name.clone(),
        password: user.password.expose_secret().to_owned(),
        password_change_required: true,
        request_id: request_id(),
        ..CreateUserRequest::default()
    };
    let mut attempt = 1;
    loop {
        match connection.create_user(within(request.clone())).await {
            Ok(created) => return Ok(created.into_inner().user.unwrap_or_default()),
            // Nothing else is cured by waiting.
            Err(status) if status.code() == Code::Unavailable && attempt < ATTEMPTS => {
                pause(&status, attempt).await;
                attempt += 1;
            }
            Err(status) => return Err(status),
        }
    }
}

/// The same for every attempt, and for nothing else.
#[expect(clippy::disallowed_methods, reason = "a program of its own: its ids are its own")]
fn request_id() -> String {
    Uuid::now_v7().to_string()
}

/// Waits as long as the server says, or longer each time.
#[expect(clippy::disallowed_methods, reason = "a program of its own: it waits in real time")]
async fn pause(status: &Status, attempt: u32) {
    let said = status.get_error_details().retry_info().and_then(|retry| retry.retry_delay);
    tokio::time::sleep(said.unwrap_or(PAUSE * 2_u32.pow(attempt - 1))).await;
}
