//! What moderators and admins of the instance do. Each of these acts is in the audit log.

use super::{AccessKind, Announcement, ChannelLimits, ReportReason, Role, SignUp, as_text, redacted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suspension {
    pub reason: String,
    pub since_ms: i64,
    /// Absent: until somebody restores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

/// `GET /api/v1/admin/users?q=TEXT&state=STATE`, a list by name, of the names that begin with the text;
/// `GET /api/v1/admin/users/{name}` is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserRecord {
    pub id: String,
    pub username: String,
    pub display_name: String,
    pub role: Role,
    pub state: UserState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub second_factor: bool,
    pub channels: Vec<String>,
    pub created_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at_ms: Option<i64>,
    /// What they told the admin when they signed up.
    pub sign_up_reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Suspension>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserState {
    Active,
    /// Waits for `POST /api/v1/admin/users/{name}/approve`; `DELETE /api/v1/admin/users/{name}` declines.
    Pending,
    Suspended,
}
as_text!(UserState { Active = "active", Pending = "pending", Suspended = "suspended" });

/// `POST /api/v1/admin/users`; answers [`UserRecord`].
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct UserCreate {
    pub username: String,
    pub password: String,
    pub role: Role,
}

/// `PATCH /api/v1/admin/users/{name}`; answers [`UserRecord`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserEdit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// For the audit log.
    #[serde(default)]
    pub reason: String,
}

/// `POST /api/v1/admin/users/{name}/suspend` and `POST /api/v1/admin/channels/{name}/suspend`; what is
/// live ends at once. Answers [`UserRecord`] or [`ChannelRecord`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suspend {
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

/// `POST …/restore`, the opposite; also the body of other acts that want a reason for the log:
/// `POST …/users/{name}/approve`, `DELETE …/users/{name}`, `POST …/channels/{name}/stop` (ends what is live).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WithReason {
    #[serde(default)]
    pub reason: String,
}

/// `POST /api/v1/admin/users/{name}/reset-link`: for somebody who forgot the password; valid for a
/// day.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct ResetLink {
    pub url: String,
    pub expires_at_ms: i64,
}

/// `GET /api/v1/admin/channels?q=TEXT`, a list by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelRecord {
    pub id: String,
    pub name: String,
    pub display_name: String,
    pub title: String,
    pub owner: String,
    pub access: AccessKind,
    pub followers: u32,
    pub created_at_ms: i64,
    pub live: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Suspension>,
    pub limits: ChannelLimits,
}

/// `PATCH /api/v1/admin/channels/{name}`; answers [`ChannelRecord`]. `POST /api/v1/admin/channels` with
/// [`ChannelGive`] makes one for somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelTransfer {
    /// The new owner's user name.
    pub owner: String,
    #[serde(default)]
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelGive {
    pub name: String,
    pub owner: String,
}

/// `POST /api/v1/admin/invites`; answers [`NewInvite`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InviteCreate {
    /// For whom, as a note to oneself.
    #[serde(default)]
    pub note: String,
    /// 1 to 1000.
    pub uses: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct NewInvite {
    /// The link to pass on, shown this once.
    pub url: String,
    pub info: Invite,
}

/// `GET /api/v1/admin/invites`, a list; `DELETE /api/v1/admin/invites/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invite {
    pub id: String,
    pub note: String,
    pub uses_left: u32,
    pub created_by: String,
    pub created_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
}

/// `GET /api/v1/admin/reports?state=STATE`, a list, the oldest open one first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    pub id: String,
    pub channel: String,
    pub reporter: String,
    pub reason: ReportReason,
    pub text: String,
    pub created_at_ms: i64,
    pub state: ReportState,
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    pub resolved_by: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportState {
    Open,
    /// Something was done about it.
    Acted,
    /// Nothing had to be done.
    Dismissed,
}
as_text!(ReportState { Open = "open", Acted = "acted", Dismissed = "dismissed" });

/// `POST /api/v1/admin/reports/{id}/resolve`; answers [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolve {
    /// Acted or dismissed.
    pub state: ReportState,
    #[serde(default)]
    pub note: String,
}

/// `GET /api/v1/admin/audit?actor=NAME&target=NAME&action=NAME`, a list, the newest first. Nothing
/// changes or removes an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    pub id: String,
    pub at_ms: i64,
    pub actor: String,
    /// Stable name such as `user.suspend`.
    pub action: String,
    /// `user`, `channel`, `report`, `instance`, …
    pub target_kind: String,
    pub target: String,
    pub reason: String,
    /// As in the answer's `X-Request-Id`.
    pub request_id: String,
}

/// `GET /api/v1/admin/settings`, and `PUT` by an admin; answers [`InstanceSettings`]. Flags of the
/// command line are what holds where nothing was set here. `PUT /api/v1/admin/logo` with an image as the
/// body and `DELETE` answer the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceSettings {
    pub name: String,
    pub sign_up: SignUp,
    /// 0 keeps ended broadcasts for ever.
    pub retention_hours: u32,
    /// Such as `1080p,720p=2500,360p`; holds for broadcasts that start from now on.
    pub ladder: String,
    pub max_channels_per_user: u32,
    /// Otherwise channels come from admins only.
    pub viewers_create_channels: bool,
}

/// `GET /api/v1/admin/overview`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Overview {
    pub version: String,
    pub users: u64,
    pub pending_users: u64,
    pub channels: u64,
    pub open_reports: u64,
    pub live: Vec<LiveNow>,
    pub storage: Storage,
}

/// What is on air, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveNow {
    pub channel: String,
    pub title: String,
    pub started_at_ms: i64,
    pub viewers: u32,
    /// Such as `1920x1080 30 fps 6000 kb/s`.
    pub source: String,
    /// Qualities that are encoded at the moment.
    pub rungs: Vec<String>,
    /// Of one core, by its worker: 150 is one and a half.
    pub cpu_percent: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Storage {
    /// Of all recorded broadcasts.
    pub recorded_bytes: u64,
    pub recorded_broadcasts: u64,
    pub picture_bytes: u64,
    /// Of the disk with the data folder; absent where it cannot be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_free_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
}

/// `POST /api/v1/admin/announcements`; answers [`Announcement`], `DELETE …/announcements/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnnouncementCreate {
    /// At most 300 characters.
    pub text: String,
    #[serde(default)]
    pub urgent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

/// `GET /api/v1/admin/announcements`, a list with those that are over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnnouncementRecord {
    #[serde(flatten)]
    pub announcement: Announcement,
    pub created_by: String,
    pub created_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

/// `POST /api/v1/admin/categories` answers [`super::Category`]; `DELETE …/categories/{slug}`, `PUT …/picture`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CategoryCreate {
    /// 1 to 50 characters; its slug is made of it.
    pub name: String,
}

redacted! {
    UserCreate { username, role }
    ResetLink { expires_at_ms }
    NewInvite { info }
}
