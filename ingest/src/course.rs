//! The course of what is on air on one channel: sessions that come and go, an encoder that sends
//! nothing, the slate meanwhile, the end. Pure: what happens and when goes in, [`Effect`]s come out.
//! Times are milliseconds of one clock that never goes back.

use crate::health::{Health, Limits};
use crate::session::Metadata;
use crate::slate::Player;
use rivulet_hub::Slate;
use rivulet_media::flv::{AudioTag, VideoTag};
use rivulet_media::timeline::{Output, Repairs, Timeline};
use rivulet_media::{AudioFormat, FormatError, VideoCodec, VideoFormat, ticks_from_ms};
use rivulet_protocol::rest::{BroadcastSettings, Ingest, WhileAway};
use std::sync::Arc;

/// An encoder that has sent nothing for this long is away, connected or not,
const STALLED_MS: i64 = 3_000;
/// and viewers are shown so after this long: an encoder that is back by then costs them nothing.
const SLATE_AFTER_MS: i64 = 1_500;
/// How long an encoder that was asked to connect anew may send on.
pub const HANDOVER_MS: i64 = 3_000;

/// Number of the first segment and period that a process makes of a broadcast which is this old: no
/// process before it has come so far, though each encoder that takes over ends a segment early.
pub fn first_number(elapsed_ms: i64) -> u32 {
    (elapsed_ms / 100 + 1).try_into().unwrap_or(0)
}

/// Why a session has to go, as its encoder is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kick {
    Refused(String),
    /// Encoders that know how are asked to connect anew.
    Restarting,
}

#[derive(Debug)]
pub enum Effect {
    /// The first period is known: it goes on air now. All that is pushed comes after this.
    GoLive,
    Push(Output),
    /// This session has to go.
    Kick(u64, Kick),
    /// For the broadcaster's page: why an encoder was sent away.
    Refused(String),
    /// Viewers wait for the encoder, and for a slate in this format, if one is wanted.
    Away(Option<VideoFormat>),
    Back,
    /// Nothing follows: it is over, or else the next process goes on with it.
    End {
        over: bool,
    },
}

pub type Effects = Vec<Effect>;

struct Session {
    number: u64,
    /// The stream key that it came with.
    key_id: String,
    kicked: bool,
}

pub struct Course {
    /// They hold to the end, whatever happens to the channel's.
    settings: BroadcastSettings,
    limits: Limits,
    timeline: Timeline,
    health: Health,
    session: Option<Session>,
    /// Since the first period: nothing is created for a stream that never comes.
    on_air_since_ms: Option<i64>,
    outputs: Vec<Output>,
    /// Of the encoder's newest period.
    formats: (Option<VideoFormat>, Option<AudioFormat>),
    last_packet_ms: i64,
    /// With nobody connected: when it is over.
    waits_until_ms: Option<i64>,
    /// When the process ends.
    leaves_at_ms: Option<i64>,
    /// Nothing comes of what is on air, whether or not somebody is connected,
    away: bool,
    /// and this is shown.
    slate: Option<Arc<Slate>>,
    player: Option<Player>,
    ended: bool,
}

impl Course {
    pub fn new(settings: BroadcastSettings, limits: Limits, now_ms: i64) -> Self {
        Self {
            settings,
            limits,
            timeline: Timeline::default(),
            health: Health::default(),
            session: None,
            on_air_since_ms: None,
            outputs: Vec::new(),
            formats: (None, None),
            last_packet_ms: now_ms,
            waits_until_ms: None,
            leaves_at_ms: None,
            away: false,
            slate: None,
            player: None,
            ended: false,
        }
    }

    /// What the process before this one has left on air waits for its encoder.
    pub fn resume(&mut self, started_at_ms: i64, now_ms: i64, effects: &mut Effects) {
        self.timeline = Timeline::resumed(now_ms - started_at_ms);
        self.on_air_since_ms = Some(started_at_ms);
        self.loses_encoder(now_ms, effects);
    }

    /// This session feeds the broadcast from now on; the one before is told why it has to go.
    pub fn attach(&mut self, session: u64, key_id: String, now_ms: i64, effects: &mut Effects) {
        self.kick(Kick::Refused("another encoder with this stream key has taken over".into()), effects);
        self.session = Some(Session { number: session, key_id, kicked: false });
        self.waits_until_ms = None;
        self.health = Health::default();
        if self.on_air_since_ms.is_some() {
            self.timeline.reconnect(now_ms - self.last_packet_ms);
        }
    }

    /// `on_purpose`: the encoder said goodbye. Otherwise the broadcast waits for its return.
    pub fn detach(&mut self, session: u64, on_purpose: bool, now_ms: i64, effects: &mut Effects) {
        if !self.feeds(session) {
            return;
        }
        if self.leaves_at_ms.is_some() {
            self.end(false, effects);
        } else if on_purpose || self.on_air_since_ms.is_none() || self.grace_ms() == 0 {
            self.end(true, effects);
        } else {
            self.loses_encoder(now_ms, effects);
        }
    }

    pub fn metadata(&mut self, session: u64, metadata: Metadata) {
        if self.feeds(session) {
            self.timeline.expect(metadata.has_video, metadata.has_audio, metadata.fps_milli);
            self.health.encoder = metadata.encoder;
        }
    }

    pub fn video(&mut self, session: u64, ts: u32, tag: VideoTag, now_ms: i64, effects: &mut Effects) {
        if self.feeds(session) {
            let mut outputs = std::mem::take(&mut self.outputs);
            let result = self.timeline.push_video(ts, tag, &mut outputs);
            self.publish(result, outputs, now_ms, effects);
        }
    }

    pub fn audio(&mut self, session: u64, ts: u32, tag: AudioTag, now_ms: i64, effects: &mut Effects) {
        if self.feeds(session) {
            let mut outputs = std::mem::take(&mut self.outputs);
            let result = self.timeline.push_audio(ts, tag, &mut outputs);
            self.publish(result, outputs, now_ms, effects);
        }
    }

    /// Whoever sends with this key has to stop; the broadcast waits for another.
    pub fn drop_key(&mut self, key_id: &str, reason: String, now_ms: i64, effects: &mut Effects) {
        if self.session.as_ref().is_some_and(|session| session.key_id == key_id) {
            self.kick(Kick::Refused(reason), effects);
            // Its encoder may come back with the new key.
            self.loses_encoder(now_ms, effects);
        }
    }

    /// Somebody ends it.
    pub fn stop(&mut self, reason: &str, effects: &mut Effects) {
        self.refuse(reason, effects);
        self.end(true, effects);
    }

    /// The process ends. The session answers with its end: at once, or when its encoder has connected
    /// anew.
    pub fn leave(&mut self, now_ms: i64, effects: &mut Effects) {
        self.leaves_at_ms = Some(if self.session.is_some() { now_ms + HANDOVER_MS } else { now_ms });
        self.kick(Kick::Restarting, effects);
        self.tick(now_ms, effects);
    }

    /// Another process goes on with it.
    pub fn lose(&mut self, reason: &str, effects: &mut Effects) {
        self.refuse(reason, effects);
        self.end(false, effects);
    }

    /// The session has ended without a word: a fault of ours.
    pub fn session_failed(&mut self, now_ms: i64, effects: &mut Effects) {
        self.loses_encoder(now_ms, effects);
    }

    /// It could not go on air.
    pub fn not_live(&mut self, reason: &str, effects: &mut Effects) {
        self.on_air_since_ms = None;
        self.refuse(reason, effects);
    }

    /// What was asked for by [`Effect::Away`].
    pub fn slate(&mut self, slate: Arc<Slate>) {
        self.slate = Some(slate);
    }

    /// To be called at [`Course::due_ms`], each second, and ten times as often while it is away.
    pub fn tick(&mut self, now_ms: i64, effects: &mut Effects) {
        let over = |until: Option<i64>| until.is_some_and(|until| now_ms >= until);
        if self.ended {
            return;
        }
        if over(self.leaves_at_ms) {
            return self.end(false, effects);
        }
        if over(self.waits_until_ms) {
            return self.end(true, effects);
        }
        if let Some(reason) = self.too_long(now_ms) {
            return self.stop(&reason, effects);
        }
        if self.on_air_since_ms.is_some() && !self.away && now_ms - self.last_packet_ms >= STALLED_MS {
            self.goes_away(effects);
        }
        if self.away {
            self.show_slate(now_ms, effects);
        }
    }

    /// When something happens by itself.
    pub fn due_ms(&self) -> Option<i64> {
        self.waits_until_ms.into_iter().chain(self.leaves_at_ms).min()
    }

    pub fn away(&self) -> bool {
        self.away
    }

    pub fn ended(&self) -> bool {
        self.ended
    }

    pub fn is_fed(&self) -> bool {
        self.session.is_some()
    }

    pub fn repairs(&self) -> Repairs {
        self.timeline.repairs()
    }

    /// What the broadcaster's page shows; once a second. Judges the limits that take time, too.
    pub fn report(&mut self, over_quota: bool, now_ms: i64, effects: &mut Effects) -> Ingest {
        self.health.tick(now_ms, self.timeline.repairs());
        self.health.left_out = left_out(&self.timeline);
        self.health.over_quota = over_quota;
        if let Some(reason) = self.health.over_limit(&self.limits) {
            self.refuse(&reason, effects);
        }
        self.health.report(now_ms, &self.limits)
    }

    fn grace_ms(&self) -> i64 {
        i64::from(self.settings.grace_seconds) * 1_000
    }

    fn feeds(&self, session: u64) -> bool {
        !self.ended && self.session.as_ref().is_some_and(|feeding| feeding.number == session)
    }

    fn publish(
        &mut self,
        result: Result<(), FormatError>,
        mut outputs: Vec<Output>,
        now_ms: i64,
        effects: &mut Effects,
    ) {
        if let Err(error) = result {
            self.refuse(&error.to_string(), effects);
        }
        if self.away && !self.timeline.rests() {
            self.away = false;
            (self.slate, self.player) = (None, None);
            effects.push(Effect::Back);
        }
        if !self.away {
            self.last_packet_ms = now_ms;
        }
        for output in outputs.drain(..) {
            match &output {
                Output::Period { video, audio, tracks, .. } => {
                    self.health.period(video.as_ref(), audio.as_ref(), tracks);
                    if let Some(reason) = self.health.over_limit(&self.limits) {
                        return self.refuse(&reason, effects);
                    }
                    if self.on_air_since_ms.is_none() {
                        self.on_air_since_ms = Some(now_ms);
                        effects.push(Effect::GoLive);
                    }
                    self.formats = (video.clone(), audio.clone());
                }
                Output::Video(packet) => self.health.video(packet.dts, packet.key, packet.data.len()),
                Output::Track(_, packet) => self.health.track(packet.dts, packet.data.len()),
                Output::Audio(packet) => self.health.audio(packet.pts, packet.data.len()),
            }
            effects.push(Effect::Push(output));
        }
        self.outputs = outputs;
    }

    fn loses_encoder(&mut self, now_ms: i64, effects: &mut Effects) {
        self.session = None;
        self.waits_until_ms = Some(now_ms + self.grace_ms());
        self.goes_away(effects);
    }

    fn goes_away(&mut self, effects: &mut Effects) {
        if self.on_air_since_ms.is_none() || std::mem::replace(&mut self.away, true) {
            return;
        }
        // Players that began with another codec need not have ours.
        let format = self.formats.0.clone().filter(|format| format.codec == VideoCodec::Avc);
        let wanted = self.settings.while_away == WhileAway::Slate;
        effects.push(Effect::Away(format.filter(|_| wanted)));
    }

    /// Goes on with the slate, or begins it when it is there.
    fn show_slate(&mut self, now_ms: i64, effects: &mut Effects) {
        let silent_ms = now_ms - self.last_packet_ms;
        if self.player.is_none() && silent_ms >= SLATE_AFTER_MS {
            let Some(slate) = self.slate.clone() else { return };
            let frame = slate.length / slate.pictures.len().max(1) as i64;
            let start = self.timeline.newest() + frame;
            self.player = Some(Player::new(slate, self.formats.1.clone(), start));
            if !self.timeline.rests() {
                self.timeline.pause(silent_ms);
            }
        }
        if let Some(player) = &mut self.player {
            let until = self.timeline.newest() + ticks_from_ms(silent_ms);
            let mut outputs = std::mem::take(&mut self.outputs);
            player.until(until, &mut outputs);
            effects.extend(outputs.drain(..).map(Effect::Push));
            self.outputs = outputs;
            self.timeline.rest_until(until);
        }
    }

    /// Whether it has been on air for as long as it may, in words for the broadcaster.
    fn too_long(&self, now_ms: i64) -> Option<String> {
        let (since, most) = (self.on_air_since_ms?, self.limits.max_duration?);
        let most_words = match most.as_secs() {
            seconds if seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
            seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
            seconds => format!("{seconds} s"),
        };
        let reason = || format!("a broadcast may last {most_words} here, which are over; start another one");
        (u128::try_from(now_ms - since).unwrap_or(0) >= most.as_millis()).then(reason)
    }

    /// Sends the encoder away for something that is wrong with its stream. The session answers with
    /// its end, which then ends or pauses the broadcast.
    fn refuse(&mut self, reason: &str, effects: &mut Effects) {
        effects.push(Effect::Refused(reason.to_owned()));
        self.kick(Kick::Refused(reason.to_owned()), effects);
    }

    fn kick(&mut self, kick: Kick, effects: &mut Effects) {
        if let Some(session) = self.session.as_mut().filter(|session| !session.kicked) {
            session.kicked = true;
            effects.push(Effect::Kick(session.number, kick));
        }
    }

    fn end(&mut self, over: bool, effects: &mut Effects) {
        if !std::mem::replace(&mut self.ended, true) {
            effects.push(Effect::End { over });
        }
    }
}

/// What is not used of a multitrack stream, for the broadcaster.
fn left_out(timeline: &Timeline) -> Vec<String> {
    let videos = timeline.faults().map(|(track, fault)| format!("video track {track}: {fault}"));
    let audios = match timeline.unused_audio_tracks() {
        0 => None,
        1 => Some("a second audio track: the first one is used".to_owned()),
        more => Some(format!("{more} further audio tracks: the first one is used")),
    };
    videos.chain(audios).collect()
}
