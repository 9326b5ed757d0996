//! What a page says about what was done just before. The address carries a word
//! for it and nothing else: addresses stay in histories and logs.

use super::link;

/// What the parameter is called.
const DONE: &str = "done";

/// Something that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    code: &'static str,
    text: &'static str,
}

macro_rules! notices {
    ($($name:ident: $code:literal, $text:literal;)*) => {
        impl Notice {
            $(
                #[doc = $text]
                pub const $name: Self = Self { code: $code, text: $text };
            )*

            const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

notices! {
    SAVED: "saved", "Changes saved. They are in effect now.";
    SAVED_AND_REVOKED: "saved-revoked", "Changes saved, and all sessions of the user revoked.";
    DISABLED: "disabled", "User disabled. All their sessions have ended.";
    ENABLED: "enabled", "User enabled. They can sign in again.";
    TRANSFERRED: "transferred", "Personas transferred, with their ontologies and annotations.";
    RETRIED: "retried", "The services are being asked again.";
    SIGNED_OUT: "signed-out", "You are signed out.";
    REGISTERED: "registered", "Your account has been created. You can sign in now.";
    PASSWORD_CHANGED: "password-changed", "Your password has been changed.";
    SIGN_IN_AGAIN: "sign-in-again", "Your password has been changed and all your sessions ended. Sign in with the new one.";
    SESSION_REVOKED: "session-revoked", "Session revoked.";
    SESSION_OVER: "session-over", "That session had ended already.";
    SESSIONS_REVOKED: "sessions-revoked", "Sessions revoked.";
    KEY_CREATED: "key-created", "API key added.";
    KEY_SAVED: "key-saved", "API key saved.";
    KEY_ACTIVATED: "key-activated", "API key activated. It is used from now on.";
    KEY_DEACTIVATED: "key-deactivated", "API key deactivated. It is not used any more.";
    KEY_DELETED: "key-deleted", "API key deleted.";
    PROFILE_SAVED: "profile-saved", "Profile saved.";
    PERSONA_CREATED: "persona-created", "Persona created.";
    PERSONA_SAVED: "persona-saved", "Persona saved.";
    PERSONA_DELETED: "persona-deleted", "Persona deleted, with its ontology and annotations.";
}

impl Notice {
    /// The notice that the query of an address asks for.
    pub fn of_query(query: &str) -> Option<Self> {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let (_, code) = pairs.find(|(name, _)| name == DONE)?;
        Self::ALL.iter().find(|notice| notice.code == code).copied()
    }

    /// What people read.
    pub const fn text(self) -> &'static str {
        self.text
    }

    /// The page at `path`, with this notice.
    pub fn on(self, path: &str) -> String {
        link::with_query(path, &[(DONE, self.code)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_one_of_those_that_there_are() {
        assert_eq!(Notice::of_query("a=b&done=saved"), Some(Notice::SAVED));
        assert_eq!(Notice::of_query("done=%3Cscript%3E"), None);
        assert_eq!(Notice::of_query(""), None);
        assert_eq!(Notice::SAVED.on("/admin/users/1"), "/admin/users/1?done=saved");
    }

    #[test]
    fn no_two_notices_share_a_word() {
        for notice in Notice::ALL {
            assert_eq!(Notice::ALL.iter().filter(|other| other.code == notice.code).count(), 1);
        }
    }
}
