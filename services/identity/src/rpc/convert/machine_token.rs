//! Tokens for programs.

use roster_db::replay::Repetition;
use roster_kernel::MachineTokenId;
use roster_proto::{identity::v1 as pb, time};
use roster_server::{Refusal, Violations};

use super::page;
use crate::{
    domain::{Lifetime, MachineToken, PageRequest, TokenName, TokenScope},
    op::{
        authenticate_machine_token::Authenticated, issue_machine_token::IssueMachineToken,
        revoke_machine_token::RevokeMachineToken,
    },
};

/// The most bytes of a token.
const MOST_TOKEN_BYTES: usize = 256;

/// A token as administrators see it.
pub fn machine_token(token: &MachineToken) -> pb::MachineToken {
    pb::MachineToken {
        machine_token_id: token.id.to_string(),
        name: token.name.as_str().to_owned(),
        scope: scope(token.scope).into(),
        issued_by: token.issuer.to_string(),
        create_time: Some(time::to_proto(token.created_at)),
        expire_time: Some(time::to_proto(token.expires_at)),
        last_use_time: token.last_used_at.map(time::to_proto),
    }
}

const fn scope(scope: TokenScope) -> pb::MachineTokenScope {
    match scope {
        TokenScope::Admin => pb::MachineTokenScope::Admin,
        TokenScope::ReadOnly => pb::MachineTokenScope::ReadOnly,
    }
}

/// Reads what token is wanted.
pub fn issue_machine_token(
    request: &pb::IssueMachineTokenRequest,
) -> Result<IssueMachineToken, Refusal> {
    let mut violations = Violations::new();
    let name = violations.field("name", TokenName::parse(&request.name));
    let scope = match pb::MachineTokenScope::try_from(request.scope) {
        Ok(pb::MachineTokenScope::Admin) => Ok(TokenScope::Admin),
        Ok(pb::MachineTokenScope::ReadOnly) => Ok(TokenScope::ReadOnly),
        Ok(pb::MachineTokenScope::Unspecified) | Err(_) => {
            Err("must be a scope that the contract names")
        }
    };
    let scope = violations.field("scope", scope);
    let lifetime = violations.field("lifetime_days", Lifetime::parse(request.lifetime_days));
    let (Some(name), Some(scope), Some(lifetime)) = (name, scope, lifetime) else {
        return Err(violations.into_refusal());
    };
    violations.finish()?;
    Ok(IssueMachineToken { name, scope, lifetime })
}

/// Reads which page of tokens is asked for.
pub fn list_machine_tokens(request: &pb::ListMachineTokensRequest) -> Result<PageRequest, Refusal> {
    let mut violations = Violations::new();
    let page = page(&mut violations, request.page_size, &request.page_token);
    violations.finish()?;
    Ok(page)
}

/// Reads which token is to end.
pub fn revoke_machine_token(
    request: &pb::RevokeMachineTokenRequest,
    repetition: &Repetition<'_>,
) -> Result<RevokeMachineToken, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let id = MachineTokenId::parse(&request.machine_token_id);
    let Some(id) = violations.field("machine_token_id", id) else {
        return Err(violations.into_refusal());
    };
    violations.finish()?;
    Ok(RevokeMachineToken { id, replay })
}

/// Checks the bounds of a token; whether it is one is not a matter of form.
pub fn shown_token(request: &pb::AuthenticateMachineTokenRequest) -> Result<&str, Refusal> {
    let mut violations = Violations::new();
    if !(1..=MOST_TOKEN_BYTES).contains(&request.token.len()) {
        violations.add("token", format!("must have 1 to {MOST_TOKEN_BYTES} bytes"));
    }
    violations.finish()?;
    Ok(&request.token)
}

/// The caller behind a token.
pub fn authenticated_machine(found: &Authenticated) -> pb::AuthenticateMachineTokenResponse {
    let machine = &found.machine;
    let allowed = if machine.read_only { TokenScope::ReadOnly } else { TokenScope::Admin };
    pb::AuthenticateMachineTokenResponse {
        machine_token_id: machine.token_id.to_string(),
        issued_by: machine.issuer_id.to_string(),
        scope: scope(allowed).into(),
        is_admin: machine.is_admin,
        password_change_required: machine.password_change_required,
        expire_time: Some(time::to_proto(found.expires_at)),
    }
}
