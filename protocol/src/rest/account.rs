//! People: signing up and in, their own account, its keys and sessions.

use super::{Suspension, as_text, redacted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `GET /api/v1/instance`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Instance {
    pub name: String,
    pub version: String,
    /// No user exists yet: the setup link printed at start creates the first.
    pub needs_setup: bool,
    pub sign_up: SignUp,
    /// Address of the logo, where the admin has put one up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    /// What the button says that logs in by OIDC, such as `Log in with Example`; absent without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc: Option<String>,
    /// Whether this server sends e-mail: otherwise a forgotten password is a matter for the admin.
    pub mail: bool,
    /// Public VAPID key for Web Push, unpadded base64url.
    pub push_key: String,
    pub announcements: Vec<Announcement>,
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignUp {
    Open,
    /// Who has an invite.
    Invite,
    /// Anybody; an admin lets them in.
    Approval,
    #[default]
    Closed,
}

as_text!(SignUp { Open = "open", Invite = "invite", Approval = "approval", Closed = "closed" });

/// What an admin tells everybody, at the top of each page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Announcement {
    pub id: String,
    pub text: String,
    pub urgent: bool,
}

/// `POST /api/v1/setup`: creates the first user (an admin) and a channel of the same name, and logs in.
/// Answers [`Me`].
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct Setup {
    pub token: String,
    pub username: String,
    pub password: String,
}

/// `POST /api/v1/signup`: 201 and [`Me`] with a session, or 202 where an admin has to approve.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct NewAccount {
    pub username: String,
    pub password: String,
    #[serde(default)]
    pub email: String,
    /// Where sign-up is by invite.
    #[serde(default)]
    pub invite: String,
    /// A word to the admin, where one approves.
    #[serde(default)]
    pub reason: String,
}

/// `POST /api/v1/login`; answers [`Me`] and sets the session cookie. `POST /api/v1/logout` ends it.
/// Where the account has a second factor, the answer is 401 `second_factor_needed` with a cookie
/// for [`SecondFactor`].
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct Login {
    pub username: String,
    pub password: String,
}

/// `POST /api/v1/login/second`, within five minutes of the password; answers [`Me`].
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct SecondFactor {
    /// Six digits of the authenticator, or a recovery code.
    pub code: String,
}

/// `POST /api/v1/login/passkey/start` and `POST /api/v1/me/passkeys/start`: what to hand to
/// `navigator.credentials`, in the JSON form of WebAuthn level 3.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct PasskeyChallenge {
    /// Give it back with the answer.
    pub ticket: String,
    pub options: Value,
}

/// `POST /api/v1/login/passkey`; answers [`Me`].
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct PasskeyLogin {
    pub ticket: String,
    pub credential: Value,
}

/// `POST /api/v1/password/forgotten`: 202 whoever it is, and an e-mail if the account has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forgotten {
    /// User name or e-mail address.
    pub username: String,
}

/// `POST /api/v1/password/reset` with the token of the e-mailed link; 204, and all sessions end.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct PasswordReset {
    pub token: String,
    pub password: String,
}

/// Of a user on the whole instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    #[default]
    Viewer,
    /// Looks after people and channels of all the instance.
    Moderator,
    Admin,
}
as_text!(Role { Viewer = "viewer", Moderator = "moderator", Admin = "admin" });

/// `GET /api/v1/me`: the logged-in user, 401 for a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Me {
    pub id: String,
    pub username: String,
    /// The user name, where none was chosen.
    pub display_name: String,
    pub role: Role,
    /// `#rrggbb` in which chats show the name; empty where none was chosen.
    #[serde(default)]
    pub color: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default)]
    pub email_verified: bool,
    /// Language tag of the pages, such as `de`; absent is the browser's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<Picture>,
    /// Names of the channels that this user owns.
    pub channels: Vec<String>,
    /// Names of the channels that this user helps to run.
    pub helps: Vec<String>,
    pub second_factor: bool,
    pub recovery_codes_left: u32,
    /// False for an account that came by OIDC and has chosen none.
    pub has_password: bool,
    /// Notifications that were not seen yet.
    pub unread: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Suspension>,
}

/// A picture in each of its sizes, the smallest first. The addresses change with the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Picture {
    pub sizes: Vec<PictureSize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PictureSize {
    pub url: String,
    pub width: u32,
    pub height: u32,
}

impl Picture {
    /// The smallest that is at least `width` wide, else the largest.
    pub fn at_least(&self, width: u32) -> Option<&PictureSize> {
        self.sizes.iter().find(|size| size.width >= width).or(self.sizes.last())
    }
}

/// `GET /api/v1/users/{name}`: what everybody may know of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    pub id: String,
    pub username: String,
    pub display_name: String,
    pub role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<Picture>,
    pub created_at_ms: i64,
    pub channels: Vec<String>,
}

/// `PATCH /api/v1/me`; answers [`Me`]. A new e-mail address has to be confirmed by the link that is
/// sent there (`POST /api/v1/me/email/confirm` with [`Confirm`]), where the server sends e-mail.
/// `PUT /api/v1/me/avatar` with an image as the body (PNG, JPEG, GIF or WebP, at most 8 MiB) and
/// `DELETE /api/v1/me/avatar` answer [`Me`] too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeEdit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct Confirm {
    pub token: String,
}

/// `POST /api/v1/me/password`: 204, and all other sessions end.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct PasswordChange {
    /// Empty where the account has none yet.
    #[serde(default)]
    pub current: String,
    pub password: String,
}

/// For what must not be done by whoever finds a browser open: `DELETE /api/v1/me`,
/// `DELETE /api/v1/me/totp`, `POST /api/v1/me/recovery-codes`.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct WithPassword {
    /// Empty where the account has none.
    #[serde(default)]
    pub password: String,
}

/// `GET /api/v1/me/sessions`, a list; `DELETE /api/v1/me/sessions/{id}` ends one,
/// `DELETE /api/v1/me/sessions` all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    pub id: String,
    /// Such as `Firefox on Linux`.
    pub device: String,
    /// The address that it was last used from.
    pub address: String,
    pub created_at_ms: i64,
    pub last_used_at_ms: i64,
    /// The one that asks.
    pub current: bool,
}

/// `POST /api/v1/me/totp`: a secret that takes effect with [`TotpConfirm`].
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct TotpSetup {
    /// Base 32, to type in.
    pub secret: String,
    /// `otpauth://totp/…`
    pub url: String,
    /// The same as a QR code: an SVG document.
    pub qr_svg: String,
}

/// `PUT /api/v1/me/totp`; answers [`RecoveryCodes`].
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct TotpConfirm {
    pub code: String,
}

/// Each is good for one login, and shown this once.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct RecoveryCodes {
    pub codes: Vec<String>,
}

/// `POST /api/v1/me/passkeys`; answers [`Passkey`].
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct NewPasskey {
    pub ticket: String,
    pub name: String,
    pub credential: Value,
}

/// `GET /api/v1/me/passkeys`, a list; `DELETE /api/v1/me/passkeys/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Passkey {
    pub id: String,
    pub name: String,
    pub created_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at_ms: Option<i64>,
}

/// What an access token may be used for; [`Scope::Admin`] only where its user is an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    #[serde(rename = "user:read")]
    UserRead,
    #[serde(rename = "user:write")]
    UserWrite,
    #[serde(rename = "channel:read")]
    ChannelRead,
    #[serde(rename = "channel:write")]
    ChannelWrite,
    #[serde(rename = "chat:read")]
    ChatRead,
    #[serde(rename = "chat:write")]
    ChatWrite,
    #[serde(rename = "moderate")]
    Moderate,
    #[serde(rename = "admin")]
    Admin,
}
as_text!(Scope {
    UserRead = "user:read",
    UserWrite = "user:write",
    ChannelRead = "channel:read",
    ChannelWrite = "channel:write",
    ChatRead = "chat:read",
    ChatWrite = "chat:write",
    Moderate = "moderate",
    Admin = "admin",
});

/// `POST /api/v1/me/tokens`; answers [`NewToken`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenCreate {
    pub name: String,
    pub scopes: Vec<Scope>,
    /// Absent: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
}

/// Send the token as `Authorization: Bearer rvt_…`. It is shown this once.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct NewToken {
    pub token: String,
    pub info: Token,
}

/// `GET /api/v1/me/tokens`, a list; `DELETE /api/v1/me/tokens/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    pub id: String,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at_ms: Option<i64>,
}

/// `PUT /api/v1/me/push`: a browser's Web Push subscription; `DELETE` with the same body ends it.
/// 204.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct PushSubscription {
    pub endpoint: String,
    /// Unpadded base64url.
    pub p256dh: String,
    pub auth: String,
}

/// `GET /api/v1/me/notifications`, a list, the newest first; `POST /api/v1/me/notifications/seen`
/// marks all as seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    pub kind: NotificationKind,
    pub channel: String,
    pub display_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<Picture>,
    /// Of the broadcast.
    pub title: String,
    pub at_ms: i64,
    pub seen: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationKind {
    /// A channel that one follows went live.
    Live,
}

redacted! {
    Setup { username }
    NewAccount { username }
    Login { username }
    SecondFactor {}
    PasskeyChallenge {}
    PasskeyLogin {}
    PasswordReset {}
    Confirm {}
    PasswordChange {}
    WithPassword {}
    TotpSetup {}
    TotpConfirm {}
    RecoveryCodes {}
    NewPasskey { name }
    NewToken { info }
    PushSubscription {}
}
