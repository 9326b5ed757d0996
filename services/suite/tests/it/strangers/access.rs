//! Every method for everybody.

use prost_reflect::MethodDescriptor;
use tonic::Code;

use super::{
    cast::{Cast, Who},
    contract::{self, Level},
    fixture::{Fixture, Stage},
    open_world,
    wire::{outcome, send},
};

/// How a call ends: code, reason, message (empty where the contract does not say
/// it word for word).
type End = (Code, &'static str, &'static str);

const ADMIN_REQUIRED: End = (Code::PermissionDenied, "ADMIN_REQUIRED", "Admin access required");
const TO_CHANGE: End = (Code::PermissionDenied, "PASSWORD_CHANGE_REQUIRED", "");
const USER_REQUIRED: End = (Code::PermissionDenied, "USER_REQUIRED", "");

/// How a call has to end, by the contract alone.
fn expected(method: &MethodDescriptor, who: Who, fixture: &Fixture, implemented: bool) -> End {
    let level = contract::level(method);
    let while_password_change_required = contract::while_password_change_required(method);
    let unauthenticated = (Code::Unauthenticated, "UNAUTHENTICATED", "");
    let allowed = match fixture.hidden_as {
        _ if !implemented => (Code::Unimplemented, "NOT_IMPLEMENTED", ""),
        Some(reason) if who.owner() != who => (Code::NotFound, reason, ""),
        Some(_) | None => (Code::Ok, "", ""),
    };
    match (level, who) {
        (Level::User | Level::Admin, Who::Nobody) => unauthenticated,
        (Level::Admin, Who::User | Who::OtherUser | Who::UserToChange) => ADMIN_REQUIRED,
        (Level::User | Level::Admin, _) if who.scope().is_some() => machine(method, who, allowed),
        (Level::User | Level::Admin, Who::AdminToChange | Who::UserToChange)
            if !while_password_change_required =>
        {
            TO_CHANGE
        }
        (
            Level::Public | Level::User | Level::Admin,
            Who::Admin
            | Who::OtherAdmin
            | Who::User
            | Who::OtherUser
            | Who::Nobody
            | Who::AdminToChange
            | Who::UserToChange
            | Who::Machine
            | Who::ReadingMachine
            | Who::DemotedMachine
            | Who::MachineToChange,
        ) => allowed,
        (Level::Internal, _) => (Code::Unimplemented, "METHOD_UNKNOWN", ""),
    }
}

/// How a call with a machine token has to end, of a method that is not open to
/// all: it is nobody's own account, and no more than its issuer.
fn machine(method: &MethodDescriptor, who: Who, allowed: End) -> End {
    if contract::level(method) == Level::User || contract::user_required(method) {
        USER_REQUIRED
    } else if who == Who::DemotedMachine {
        ADMIN_REQUIRED
    } else if who == Who::MachineToChange {
        TO_CHANGE
    } else if who == Who::ReadingMachine && !contract::has_no_side_effects(method) {
        (Code::PermissionDenied, "READ_ONLY_TOKEN", "")
    } else {
        allowed
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_answers_every_caller_as_its_access_level_says() {
    let world = open_world().await;
    let later = contract::unimplemented();
    let methods = contract::public_methods();
    let mut wrong = Vec::new();
    let mut cells = 0;
    for (number, method) in methods.iter().enumerate() {
        let name = contract::name(method);
        // A cast for each method: some end the caller's session.
        let cast = Cast::new(&world, &format!("m{number}")).await;
        for who in Who::EVERYBODY {
            let fixture = Stage { world: &world, cast: &cast, who }.fixture(method).await;
            let (code, reason, message) = expected(method, who, &fixture, !later.contains(&name));
            let answer = send(cast.client(who), method, &fixture.request).await;
            let said = answer.as_ref().err().map_or("", |status| status.message());
            let as_expected = outcome(&answer) == (code, reason.to_owned());
            if !as_expected || !(message.is_empty() || said == message) {
                wrong.push(format!("{name} as {who:?}: {answer:?}, not {code:?} {reason}"));
            }
            cells += 1;
        }
    }
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(cells, methods.len() * Who::EVERYBODY.len());
    assert_eq!(cells, 11 * 54, "cells tested are cells existing; a new method brings new ones");
}

#[tokio::test(flavor = "multi_thread")]
async fn internal_methods_do_not_exist_for_anybody_outside() {
    let world = open_world().await;
    let cast = Cast::new(&world, "everybody").await;
    let methods = contract::internal_methods();
    assert!(methods.len() > 4, "there are INTERNAL methods");
    for method in methods {
        for who in Who::EVERYBODY {
            let empty = prost_reflect::DynamicMessage::new(method.input());
            let answer = send(cast.client(who), &method, &empty).await;
            let name = contract::name(&method);
            let unknown = (Code::Unimplemented, "METHOD_UNKNOWN".to_owned());
            assert_eq!(outcome(&answer), unknown, "{name} as {who:?}");
        }
    }
}
