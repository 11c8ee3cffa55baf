//! Settings of `rivulet serve`: a flag, else an environment variable, else a key of the same name
//! in the TOML file given by `--config`, else the default.

use crate::host::Hosted;
use clap::{ArgMatches, Args, Command};
use rivulet_api::{AddressBlock, OidcSettings, Smtp};
use rivulet_ingest::Limits;
use rivulet_protocol::rest::{BroadcastSettings, InstanceSettings, Latency, Rungs, SignUp, WhileAway};
use rivulet_transcoder::Ladder;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where facts and blobs are: shared by all commands.
#[derive(Debug, Clone, Args)]
pub struct Storage {
    /// Folder for everything that Rivulet keeps
    #[arg(long, global = true, env = "RIVULET_DATA", default_value = "./data", value_name = "DIR")]
    pub data: PathBuf,
    /// sqlite:PATH or postgres://… [default: a SQLite file in the data folder]
    #[arg(long, global = true, env = "RIVULET_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// s3://BUCKET/PREFIX?endpoint=http://…&region=…&path_style=true [default: the data folder]
    #[arg(long, global = true, env = "RIVULET_BLOBS", value_name = "URL")]
    pub blobs: Option<String>,
}

impl Storage {
    pub fn database(&self) -> String {
        self.database_url.clone().unwrap_or_else(|| format!("sqlite:{}", self.data.join("rivulet.db").display()))
    }
}

#[derive(Debug, Clone, Args)]
pub struct Serve {
    #[command(flatten)]
    pub storage: Storage,
    /// A TOML file with any of these settings, named like the flags
    #[arg(long, env = "RIVULET_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Pages, API, HLS
    #[arg(long, env = "RIVULET_HTTP", default_value = "0.0.0.0:8080", value_name = "ADDR")]
    pub http: SocketAddr,
    /// The same with TLS; needs --tls-cert and --tls-key
    #[arg(long, env = "RIVULET_HTTPS", default_value = "0.0.0.0:8443", value_name = "ADDR")]
    pub https: SocketAddr,
    /// Where encoders publish
    #[arg(long, env = "RIVULET_RTMP", default_value = "0.0.0.0:1935", value_name = "ADDR")]
    pub rtmp: SocketAddr,
    /// The same with TLS; needs --tls-cert and --tls-key
    #[arg(long, env = "RIVULET_RTMPS", default_value = "0.0.0.0:1936", value_name = "ADDR")]
    pub rtmps: SocketAddr,
    /// Certificate chain for HTTPS and RTMPS (PEM)
    #[arg(long, env = "RIVULET_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, env = "RIVULET_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Where IRC clients and Twitch bots chat
    #[arg(long, env = "RIVULET_IRC", default_value = "0.0.0.0:6667", value_name = "ADDR")]
    pub irc: SocketAddr,
    /// Signals between servers that share a database: redis://HOST:PORT [default: this server alone]
    #[arg(long, env = "RIVULET_REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// Parts to run; this version runs all of them in one process
    #[arg(long, env = "RIVULET_ROLES", value_delimiter = ',', value_name = "LIST", hide = true)]
    pub roles: Vec<String>,
    /// Such as https://live.example [default: from the request]
    #[arg(long, env = "RIVULET_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Proxies whose X-Forwarded-For is believed
    #[arg(long, env = "RIVULET_TRUSTED_PROXIES", value_delimiter = ',', value_name = "IP,IP")]
    pub trusted_proxies: Vec<IpAddr>,
    /// Encoded qualities, best first, as SHORT_SIDE:KBPS
    #[arg(long, env = "RIVULET_LADDER", default_value = "1080:5000,720:2800,480:1400,360:800", value_name = "LIST")]
    pub ladder: String,
    /// x264 preset of the encoded qualities
    #[arg(long, env = "RIVULET_PRESET", default_value = "veryfast", value_name = "NAME")]
    pub preset: String,
    /// Bitrate of audio that has to be encoded, in kb/s
    #[arg(long, env = "RIVULET_AUDIO_KBPS", default_value_t = 128, value_name = "KBPS")]
    pub audio_kbps: u32,
    /// Memory that the transcoder of one broadcast may take, in MiB
    #[arg(long, env = "RIVULET_WORKER_MEMORY_MIB", default_value_t = WORKER_MEMORY_MIB, value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u64).range(64..=1_048_576))]
    pub worker_memory_mib: u64,
    /// How long a quality is made after the last viewer has left it
    #[arg(long, env = "RIVULET_WARM", default_value = "30s", value_parser = duration, value_name = "TIME")]
    pub warm: Duration,
    /// Length of the parts that players fetch ahead of whole segments, in seconds: 0.2, 0.5 or 1
    #[arg(long, env = "RIVULET_PART", default_value_t = 0.5, value_name = "SECONDS")]
    pub part: f64,
    /// Encode every quality, also where the source could be passed on as it is
    #[arg(long, env = "RIVULET_NO_REMUX")]
    pub no_remux: bool,
    /// Largest picture that encoders may send
    #[arg(long, env = "RIVULET_MAX_SIZE", default_value = "3840x2160", value_name = "WxH")]
    pub max_size: String,
    /// Highest frame rate that encoders may send
    #[arg(long, env = "RIVULET_MAX_FPS", default_value_t = 120, value_name = "FPS")]
    pub max_fps: u32,
    /// Highest bitrate that encoders may send
    #[arg(long, env = "RIVULET_MAX_KBPS", default_value_t = 60_000, value_name = "KBPS")]
    pub max_kbps: u32,
    /// Longest time that one broadcast may be on air, such as 12h; 0 sets no limit
    #[arg(long, env = "RIVULET_MAX_DURATION", default_value = "0", value_parser = duration, value_name = "TIME")]
    pub max_duration: Duration,
    /// What may be recorded of each channel, in MiB; 0 sets no limit
    #[arg(long, env = "RIVULET_QUOTA_MIB", default_value_t = 0, value_name = "MIB")]
    pub quota_mib: u64,
    /// Broadcasts on air at once
    #[arg(long, env = "RIVULET_MAX_BROADCASTS", default_value_t = 1_000, value_name = "N")]
    pub max_broadcasts: usize,
    /// RTMP connections in all
    #[arg(long, env = "RIVULET_MAX_SESSIONS", default_value_t = 1_000, value_name = "N")]
    pub max_sessions: usize,
    /// RTMP connections from one address
    #[arg(long, env = "RIVULET_MAX_SESSIONS_PER_ADDRESS", default_value_t = 100, value_name = "N")]
    pub max_sessions_per_address: usize,
    /// How long a broadcast waits for an encoder that was cut off
    #[arg(long, env = "RIVULET_GRACE", default_value = "120s", value_parser = duration, value_name = "TIME")]
    pub grace: Duration,
    /// What encoders of the qualities aim for: low (latency) or normal (more quality)
    #[arg(long, env = "RIVULET_LATENCY", default_value = "low", value_parser = latency, value_name = "low|normal")]
    pub latency: Latency,
    /// When qualities are encoded: on-demand (while watched) or always
    #[arg(long, env = "RIVULET_RUNGS", default_value = "on-demand", value_parser = rungs, value_name = "on-demand|always")]
    pub rungs: Rungs,
    /// What viewers see while a broadcast waits for its encoder: slate (a picture that says so) or wait (the last one)
    #[arg(long, env = "RIVULET_WHILE_AWAY", default_value = "slate", value_parser = while_away, value_name = "slate|wait")]
    pub while_away: WhileAway,
    /// How long ended broadcasts are kept, such as 12h or 7d; 0 keeps them for ever
    #[arg(long, env = "RIVULET_RETENTION", default_value = "7d", value_parser = duration, value_name = "TIME")]
    pub retention: Duration,
    /// What a CDN sends as `Authorization: Bearer SECRET`: it may fetch broadcasts that are not public
    #[arg(long, env = "RIVULET_CDN_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub cdn_secret: Option<String>,
    /// What may wait on disk for an unreachable S3, in MiB
    #[arg(long, env = "RIVULET_SPOOL_MIB", default_value_t = 8_192, value_name = "MIB")]
    pub spool_mib: u64,
    /// What recordings leave free on the disk, in MiB: below, they stop, and live goes on
    #[arg(long, env = "RIVULET_RESERVE_MIB", default_value_t = 256, value_name = "MIB")]
    pub reserve_mib: u64,
    /// Chat connections in all
    #[arg(long, env = "RIVULET_MAX_CHATTERS", default_value_t = 200_000, value_name = "N")]
    pub max_chatters: usize,
    /// Chat connections from one address
    #[arg(long, env = "RIVULET_MAX_CHATTERS_PER_ADDRESS", default_value_t = 500, value_name = "N")]
    pub max_chatters_per_address: usize,
    /// Chat messages that one person may write in 30 seconds; moderators five times as many
    #[arg(long, env = "RIVULET_CHAT_RATE", default_value_t = 20, value_name = "N")]
    pub chat_rate: u32,
    /// Name of this site
    #[arg(long, env = "RIVULET_NAME", default_value = "Rivulet", value_name = "NAME")]
    pub name: String,
    /// Who may make an account: open, invite, approval or closed
    #[arg(long, env = "RIVULET_SIGN_UP", default_value = "closed", value_parser = sign_up, value_name = "MODE")]
    pub sign_up: SignUp,
    /// Where mail goes: smtps://USER:PASSWORD@HOST:465?from=ADDRESS; needs --public-url
    #[arg(long, env = "RIVULET_SMTP", value_name = "URL", hide_env_values = true, requires = "public_url")]
    pub smtp: Option<Smtp>,
    /// Log in with accounts of this OpenID provider, such as https://id.example/realms/home
    #[arg(long, env = "RIVULET_OIDC_ISSUER", value_name = "URL", requires = "oidc_client_id")]
    pub oidc_issuer: Option<String>,
    /// What the provider knows this server as; its way back is /api/v1/login/oidc/back
    #[arg(long, env = "RIVULET_OIDC_CLIENT_ID", value_name = "ID", requires = "oidc_issuer")]
    pub oidc_client_id: Option<String>,
    /// The secret that goes with it, where the provider wants one
    #[arg(long, env = "RIVULET_OIDC_CLIENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub oidc_client_secret: Option<String>,
    /// What people call the provider
    #[arg(long, env = "RIVULET_OIDC_NAME", default_value = "OpenID", value_name = "NAME")]
    pub oidc_name: String,
    /// Addresses inside that webhooks and the OpenID provider may have, such as 192.168.0.0/16
    #[arg(long, env = "RIVULET_OUTBOUND_ALLOW", value_delimiter = ',', value_name = "CIDR,CIDR")]
    pub outbound_allow: Vec<AddressBlock>,
    /// API requests a minute, of one user, tool or address
    #[arg(long, env = "RIVULET_REQUESTS", default_value_t = 1200, value_name = "N")]
    pub requests: u32,
    /// Channel that is hosted by the compositor: its scene is made in the editor at --compositor-http
    #[arg(long, env = "RIVULET_HOSTED", value_name = "CHANNEL", conflicts_with = "demo")]
    pub hosted: Option<String>,
    /// Where the compositor's API and editor are, with --hosted or --demo
    #[arg(long, env = "RIVULET_COMPOSITOR_HTTP", default_value = "127.0.0.1:4200", value_name = "ADDR")]
    pub compositor_http: SocketAddr,
    /// What clients of its API have to know; needed unless it listens on this machine only
    #[arg(long, env = "RIVULET_COMPOSITOR_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub compositor_token: Option<String>,
    /// Also broadcast a scene of the compositor on the channel "demo"
    #[arg(long, env = "RIVULET_DEMO")]
    pub demo: bool,
    /// Log lines as JSON
    #[arg(long, env = "RIVULET_LOG_JSON")]
    pub log_json: bool,
}

/// For the usual rungs of a 4K source three times over.
pub const WORKER_MEMORY_MIB: u64 = 2_048;
const ROLES: [&str; 7] = ["ingest", "transcoder", "origin", "chat", "api", "web", "compositor"];
/// Those that may be left out.
const OPTIONAL_ROLES: [&str; 2] = ["chat", "compositor"];

impl Serve {
    /// Nodes cannot share the work yet, so anything but the whole is a mistake worth a word.
    pub fn check_roles(&self) -> Result<(), String> {
        if let Some(unknown) = self.roles.iter().find(|role| !ROLES.contains(&role.as_str())) {
            return Err(format!("--roles: {unknown:?} is not one of {}", ROLES.join(", ")));
        }
        let hosts = self.hosted().is_some();
        if self.roles.iter().any(|role| role == "compositor") && !hosts {
            return Err("--roles: the compositor needs --hosted, the channel that it broadcasts".into());
        }
        let needed = |role: &&&str| !OPTIONAL_ROLES.contains(*role);
        match ROLES.iter().filter(needed).find(|role| !self.roles.iter().any(|given| given == *role)) {
            Some(left_out) if !self.roles.is_empty() => Err(format!(
                "--roles leaves out {left_out}; this version runs all roles in one process: leave the flag out"
            )),
            _ => Ok(()),
        }
    }

    /// The channel that the compositor broadcasts; nothing where it does not run.
    pub fn hosted(&self) -> Option<Hosted> {
        match &self.hosted {
            Some(name) => Some(Hosted::Channel(name.clone())),
            None => self.demo.then_some(Hosted::Demo),
        }
    }

    pub fn ladder(&self) -> Result<Ladder, String> {
        const PRESETS: [&str; 9] =
            ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];
        if !PRESETS.contains(&self.preset.as_str()) {
            return Err(format!("--preset {} is not one of {}", self.preset, PRESETS.join(", ")));
        }
        Ok(Ladder {
            rungs: Ladder::parse_rungs(&self.ladder).map_err(|e| format!("--ladder: {e}"))?,
            audio_kbps: self.audio_kbps,
            preset: self.preset.clone(),
            latency: self.latency,
            remux: !self.no_remux,
        })
    }

    /// The wished length of a part, in ticks.
    pub fn part(&self) -> Result<i64, String> {
        match self.part {
            seconds if (0.1..=1.0).contains(&seconds) => Ok((seconds * 90_000.0) as i64),
            other => Err(format!("--part {other} is not between 0.1 and 1 seconds")),
        }
    }

    /// What holds where a channel has nothing of its own.
    pub fn broadcast(&self) -> BroadcastSettings {
        let grace_seconds = self.grace.as_secs().try_into().unwrap_or(u32::MAX);
        BroadcastSettings { grace_seconds, latency: self.latency, rungs: self.rungs, while_away: self.while_away }
    }

    /// What holds where the admin has set nothing in the pages.
    pub fn instance(&self) -> InstanceSettings {
        InstanceSettings {
            name: self.name.clone(),
            sign_up: self.sign_up,
            retention_hours: (self.retention.as_secs() / 3600).try_into().unwrap_or(u32::MAX),
            ladder: self.ladder.clone(),
            max_channels_per_user: 10,
            viewers_create_channels: true,
        }
    }

    pub fn oidc(&self) -> Option<OidcSettings> {
        let (issuer, client_id) = self.oidc_issuer.clone().zip(self.oidc_client_id.clone())?;
        let client_secret = self.oidc_client_secret.clone().unwrap_or_default();
        Some(OidcSettings { issuer, client_id, client_secret, name: self.oidc_name.clone() })
    }

    pub fn limits(&self) -> Result<Limits, String> {
        let size = self.max_size.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
        let (max_width, max_height) = size.ok_or_else(|| format!("--max-size {} is not WxH", self.max_size))?;
        let max_duration = Some(self.max_duration).filter(|duration| !duration.is_zero());
        let quota_bytes = (self.quota_mib > 0).then_some(self.quota_mib << 20);
        Ok(Limits { max_width, max_height, max_fps: self.max_fps, max_kbps: self.max_kbps, max_duration, quota_bytes })
    }
}

fn sign_up(text: &str) -> Result<SignUp, String> {
    SignUp::parse(text).ok_or_else(|| "write open, invite, approval or closed".into())
}

fn latency(text: &str) -> Result<Latency, String> {
    Latency::parse(text).ok_or_else(|| "write low or normal".into())
}

fn rungs(text: &str) -> Result<Rungs, String> {
    Rungs::parse(text).ok_or_else(|| "write on-demand or always".into())
}

fn while_away(text: &str) -> Result<WhileAway, String> {
    WhileAway::parse(text).ok_or_else(|| "write slate or wait".into())
}

/// `90`, `90s`, `15m`, `12h`, `7d`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("write a number and s, m, h or d".into()),
    };
    let number: u64 = digits.parse().map_err(|_| "write a number and s, m, h or d")?;
    Ok(Duration::from_secs(number.saturating_mul(unit)))
}

/// Parses the command line, with the file's values as defaults.
pub fn parse(command: Command, arguments: Vec<std::ffi::OsString>) -> Result<ArgMatches, clap::Error> {
    // The file's name is itself a flag or a variable, so it has to be found first.
    let named = arguments.iter().enumerate().find_map(|(index, argument)| match argument.to_str()? {
        "--config" => arguments.get(index + 1).map(PathBuf::from),
        other => other.strip_prefix("--config=").map(PathBuf::from),
    });
    let file = named.or_else(|| std::env::var_os("RIVULET_CONFIG").map(PathBuf::from));
    let command = match file {
        Some(path) => with_file(command, &path)?,
        None => command,
    };
    command.try_get_matches_from(arguments)
}

fn with_file(mut command: Command, path: &Path) -> Result<Command, clap::Error> {
    let fail = |command: &mut Command, text: String| command.error(clap::error::ErrorKind::Io, text);
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Err(fail(&mut command, format!("cannot read {}: {error}", path.display()))),
    };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return Err(fail(&mut command, format!("{}: {error}", path.display()))),
    };
    for (key, value) in table {
        let id = key.replace('-', "_");
        let known =
            command.find_subcommand("serve").is_some_and(|serve| serve.get_arguments().any(|a| a.get_id() == &id));
        if !known || id == "config" {
            return Err(fail(&mut command, format!("{}: there is no setting {key:?}", path.display())));
        }
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Array(items) => {
                let items = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
                items.collect::<Vec<_>>().join(",")
            }
            other => other.to_string(),
        };
        command = command.mut_subcommand("serve", |serve| serve.mut_arg(&id, |arg| arg.default_value(value)));
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::FromArgMatches;

    #[test]
    fn durations() {
        for (text, want) in [("90", 90), ("15m", 900), ("12h", 43_200), ("7d", 604_800), ("0", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(want)), "{text}");
        }
        assert!(duration("soon").is_err());
        assert!(duration("5y").is_err());
    }

    #[test]
    fn a_file_gives_defaults_and_flags_win() {
        let dir = rivulet_store::testing::TempDir::new();
        let path = dir.path().join("rivulet.toml");
        std::fs::write(
            &path,
            "http = \"127.0.0.1:1\"\nmax-fps = 30\ndemo = true\nno-remux = true\nrungs = \"always\"\n",
        )
        .unwrap();
        let parsed = |extra: &[&str]| {
            let mut arguments = vec!["rivulet", "serve", "--config", path.to_str().unwrap()];
            arguments.extend(extra);
            let matches = parse(crate::command(), arguments.into_iter().map(Into::into).collect())?;
            Serve::from_arg_matches(matches.subcommand_matches("serve").unwrap())
        };
        let settings = parsed(&["--max-fps", "60"]).unwrap();
        assert_eq!((settings.http.port(), settings.max_fps, settings.demo), (1, 60, true));
        let broadcast = BroadcastSettings { rungs: Rungs::Always, ..BroadcastSettings::default() };
        assert_eq!(settings.broadcast(), broadcast);
        assert!(parsed(&["--latency", "none"]).unwrap_err().to_string().contains("write low or normal"));
        std::fs::write(&path, "htpp = \"127.0.0.1:1\"\n").unwrap();
        assert!(parsed(&[]).unwrap_err().to_string().contains("there is no setting \"htpp\""));
    }
}
