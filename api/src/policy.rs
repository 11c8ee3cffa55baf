//! Who may do what: all of it, in one place.

use rivulet_protocol::rest::Role;
use rivulet_store::User;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    CreateChannel,
    EditChannel {
        owner_id: &'a str,
    },
    /// See them and set them.
    ChangeSettings {
        owner_id: &'a str,
    },
    /// Server, state of the incoming stream.
    SeeGoLive {
        owner_id: &'a str,
    },
    MakeKey {
        owner_id: &'a str,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    /// A guest may not; whoever logs in perhaps may.
    LogIn,
    No,
}

pub fn may(user: Option<&User>, action: Action<'_>) -> Answer {
    let Some(user) = user else { return Answer::LogIn };
    let allowed = match action {
        Action::CreateChannel => true,
        Action::EditChannel { owner_id }
        | Action::ChangeSettings { owner_id }
        | Action::SeeGoLive { owner_id }
        | Action::MakeKey { owner_id } => user.role == Role::Admin || user.id == owner_id,
    };
    if allowed { Answer::Yes } else { Answer::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_do_what() {
        let user = |id: &str, role| User { id: id.into(), name: id.into(), role };
        let (owner, other, admin) =
            (user("owner", Role::Viewer), user("other", Role::Viewer), user("admin", Role::Admin));
        let everybody = [None, Some(&other), Some(&owner), Some(&admin)];
        let owner_id = "owner";
        use Answer::{LogIn, No, Yes};
        for (action, want) in [
            (Action::CreateChannel, [LogIn, Yes, Yes, Yes]),
            (Action::EditChannel { owner_id }, [LogIn, No, Yes, Yes]),
            (Action::ChangeSettings { owner_id }, [LogIn, No, Yes, Yes]),
            (Action::SeeGoLive { owner_id }, [LogIn, No, Yes, Yes]),
            (Action::MakeKey { owner_id }, [LogIn, No, Yes, Yes]),
        ] {
            assert_eq!(everybody.map(|user| may(user, action)), want, "{action:?}");
        }
    }
}
