//! Who may do what: all of it, in one place. Handlers name an [`Action`] and are told.

use crate::rest::{ChannelRole, Role, Scope};

/// Who asks, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    pub role: Role,
    pub suspended: bool,
    /// What the access token is for; a person with a session may do all that they may.
    pub scopes: Option<&'a [Scope]>,
    /// In the channel that the action is about.
    pub in_channel: Option<ChannelRole>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See what is one's own: profile, sessions, follows, notifications.
    ReadAccount,
    ChangeAccount,
    /// Passwords, second factors, sessions, tokens: a token cannot make more of its kind.
    SecureAccount,
    /// Log out, take one's data along, delete the account.
    LeaveAccount,
    Follow,
    Report,
    CreateChannel,
    /// Title, profile, panels, schedule, settings of broadcasts, webhooks.
    EditChannel,
    /// Keys, staff, the end of the channel.
    OwnChannel,
    /// Who may watch.
    ManageAccess,
    /// The state of the incoming stream, followers, viewers over time.
    SeeChannelInside,
    /// Watch what is not for everybody.
    WatchInside,
    /// Read a chat with a token.
    ReadChat,
    /// Write in a chat, vote, ask to be let back in. What the room itself has against it is not decided here.
    Chat,
    /// Look after a channel's chat: messages, bans, terms, modes, polls, announcements.
    ModerateChat,
    /// People and channels of the instance: see, suspend, restore; reports; the audit log.
    Moderate,
    /// Roles, settings, invites, announcements, categories, what is on air and what it costs.
    Administer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    /// A guest may not; whoever logs in perhaps may.
    LogIn,
    /// Nobody may with this access token.
    Token,
    /// Not while suspended.
    Suspended,
    No,
}

pub fn may(actor: Option<Actor<'_>>, action: Action) -> Answer {
    use Action::*;
    let Some(Actor { role, suspended, scopes, in_channel }) = actor else { return Answer::LogIn };
    let scope = match action {
        ReadAccount => Some(Scope::UserRead),
        ChangeAccount | Follow | Report => Some(Scope::UserWrite),
        SecureAccount | LeaveAccount => None,
        SeeChannelInside | WatchInside => Some(Scope::ChannelRead),
        CreateChannel | EditChannel | OwnChannel | ManageAccess => Some(Scope::ChannelWrite),
        ReadChat => Some(Scope::ChatRead),
        Chat => Some(Scope::ChatWrite),
        Moderate | ModerateChat => Some(Scope::Moderate),
        Administer => Some(Scope::Admin),
    };
    if scopes.is_some_and(|granted| scope.is_none_or(|needed| !granted.contains(&needed))) {
        return Answer::Token;
    }
    if suspended && !matches!(action, ReadAccount | LeaveAccount) {
        return Answer::Suspended;
    }
    let admin = role == Role::Admin;
    let owner = admin || in_channel == Some(ChannelRole::Owner);
    let allowed = match action {
        ReadAccount | ChangeAccount | SecureAccount | LeaveAccount | Follow | Report | CreateChannel | ReadChat
        | Chat => true,
        EditChannel | ManageAccess => owner || in_channel == Some(ChannelRole::Editor),
        OwnChannel => owner,
        SeeChannelInside => admin || in_channel.is_some(),
        WatchInside | ModerateChat => role != Role::Viewer || in_channel.is_some(),
        Moderate => role != Role::Viewer,
        Administer => admin,
    };
    if allowed { Answer::Yes } else { Answer::No }
}

/// Whether somebody may act on an account: admins on all, moderators on those who are neither.
pub fn outranks(actor: Role, other: Role) -> bool {
    actor == Role::Admin || (actor == Role::Moderator && other == Role::Viewer)
}

/// Whether somebody may act on another in a channel's chat. Of the instance's staff and the channel's
/// own, each acts on those below; admins on everybody.
pub fn may_act_on(actor: (Role, Option<ChannelRole>), target: (Role, Option<ChannelRole>)) -> bool {
    let rank = |(role, in_channel)| match (role, in_channel) {
        (Role::Admin, _) => 5,
        (Role::Moderator, _) => 4,
        (Role::Viewer, Some(ChannelRole::Owner)) => 3,
        (Role::Viewer, Some(ChannelRole::Editor)) => 2,
        (Role::Viewer, Some(ChannelRole::Moderator)) => 1,
        (Role::Viewer, None) => 0,
    };
    actor.0 == Role::Admin || rank(actor) > rank(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Guest, viewer, channel's moderator, editor and owner, instance's moderator and admin, the
    /// same admin suspended.
    #[test]
    fn who_may_do_what() {
        let actor = |role, in_channel| Some(Actor { role, suspended: false, scopes: None, in_channel });
        let everybody = [
            None,
            actor(Role::Viewer, None),
            actor(Role::Viewer, Some(ChannelRole::Moderator)),
            actor(Role::Viewer, Some(ChannelRole::Editor)),
            actor(Role::Viewer, Some(ChannelRole::Owner)),
            actor(Role::Moderator, None),
            actor(Role::Admin, None),
            Some(Actor { role: Role::Admin, suspended: true, scopes: None, in_channel: Some(ChannelRole::Owner) }),
        ];
        use Action::*;
        let letter = |answer| match answer {
            Answer::Yes => 'y',
            Answer::LogIn => 'l',
            Answer::Token => 't',
            Answer::Suspended => 's',
            Answer::No => '-',
        };
        for (action, want) in [
            (ReadAccount, "lyyyyyyy"),
            (ChangeAccount, "lyyyyyys"),
            (SecureAccount, "lyyyyyys"),
            (LeaveAccount, "lyyyyyyy"),
            (Follow, "lyyyyyys"),
            (Report, "lyyyyyys"),
            (CreateChannel, "lyyyyyys"),
            (EditChannel, "l--yy-ys"),
            (OwnChannel, "l---y-ys"),
            (ManageAccess, "l--yy-ys"),
            (SeeChannelInside, "l-yyy-ys"),
            (WatchInside, "l-yyyyys"),
            (ReadChat, "lyyyyyys"),
            (Chat, "lyyyyyys"),
            (ModerateChat, "l-yyyyys"),
            (Moderate, "l----yys"),
            (Administer, "l-----ys"),
        ] {
            let answers: String = everybody.iter().map(|actor| letter(may(*actor, action))).collect();
            assert_eq!(answers, want, "{action:?}");
        }
    }

    #[test]
    fn who_acts_on_whom() {
        use Role::{Admin, Moderator, Viewer};
        for (actor, want) in
            [(Viewer, [false, false, false]), (Moderator, [true, false, false]), (Admin, [true, true, true])]
        {
            assert_eq!([Viewer, Moderator, Admin].map(|other| outranks(actor, other)), want, "{actor:?}");
        }
    }

    /// Rows act on columns: a viewer, the channel's moderator, editor and owner, an instance's moderator,
    /// one of the instance who owns the channel, an admin.
    #[test]
    fn who_acts_on_whom_in_a_chat() {
        let all = [
            (Role::Viewer, None),
            (Role::Viewer, Some(ChannelRole::Moderator)),
            (Role::Viewer, Some(ChannelRole::Editor)),
            (Role::Viewer, Some(ChannelRole::Owner)),
            (Role::Moderator, None),
            (Role::Moderator, Some(ChannelRole::Owner)),
            (Role::Admin, None),
        ];
        for (actor, want) in
            all.into_iter().zip(["-------", "y------", "yy-----", "yyy----", "yyyy---", "yyyy---", "yyyyyyy"])
        {
            let answers: String = all.iter().map(|target| if may_act_on(actor, *target) { 'y' } else { '-' }).collect();
            assert_eq!(answers, want, "{actor:?}");
        }
    }

    #[test]
    fn a_token_does_what_it_is_for() {
        use Action::*;
        let all = [
            ReadAccount,
            ChangeAccount,
            SecureAccount,
            LeaveAccount,
            EditChannel,
            SeeChannelInside,
            ReadChat,
            Chat,
            ModerateChat,
            Moderate,
            Administer,
        ];
        for (scopes, allowed) in [
            (&[][..], &[][..]),
            (&[Scope::UserRead], &[ReadAccount]),
            (&[Scope::UserWrite], &[ChangeAccount]),
            (&[Scope::ChannelRead, Scope::ChannelWrite], &[EditChannel, SeeChannelInside]),
            (&[Scope::Moderate], &[ModerateChat, Moderate]),
            (&[Scope::Admin], &[Administer]),
            (&[Scope::ChatRead, Scope::ChatWrite], &[ReadChat, Chat]),
        ] {
            for action in all {
                let actor = Actor { role: Role::Admin, suspended: false, scopes: Some(scopes), in_channel: None };
                let want = if allowed.contains(&action) { Answer::Yes } else { Answer::Token };
                assert_eq!(may(Some(actor), action), want, "{scopes:?} {action:?}");
            }
        }
        let viewer = Actor { role: Role::Viewer, suspended: false, scopes: Some(&[Scope::Admin]), in_channel: None };
        assert_eq!(may(Some(viewer), Administer), Answer::No, "a token gives nothing that its user does not have");
    }
}
