//! A target and the task that owns it: [`Machine`] decides, a [`Connection`] does. Nothing that
//! happens to one target is felt by another.

use super::connection::{Connection, Counters, Trust};
use super::key::Key;
use super::machine::{Event, Machine, Phase, State};
use super::preset::Address;
use super::program::Program;
use super::rtmp::Failure;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use tracing::info;

/// Handle of a running target, which ends when this is dropped.
pub struct Target {
    wanted: watch::Sender<Wanted>,
    state: watch::Receiver<Shown>,
    counters: Arc<Counters>,
    task: AbortOnDropHandle<()>,
}

/// What should be on air, if anything. The number tells one start from the next.
#[derive(Clone)]
struct Wanted {
    program: Option<Program>,
    asked: u64,
}

#[derive(Debug, Clone)]
struct Shown {
    state: State,
    /// When the state's seconds run out.
    until: Option<Instant>,
}

/// Where a target is, and what opens it.
#[derive(Debug, Clone)]
pub struct Place {
    /// For logs.
    pub id: String,
    pub address: Address,
    pub key: Key,
}

impl Target {
    /// Starts the task; it connects at once if there is a program.
    pub fn spawn(place: Place, program: Option<Program>, trust: Trust) -> Self {
        let (wanted, wishes) = watch::channel(Wanted { program, asked: 0 });
        let (shows, state) = watch::channel(Shown { state: State::Off, until: None });
        let counters = Arc::<Counters>::default();
        let owner = Owner {
            place,
            trust,
            counters: counters.clone(),
            wishes,
            shows,
            machine: Machine::default(),
            began: Instant::now(),
        };
        Self { wanted, state, counters, task: AbortOnDropHandle::new(tokio::spawn(owner.run())) }
    }

    /// Connects, or asks again now instead of later.
    pub fn start(&self, program: Program) {
        self.wanted.send_modify(|wanted| *wanted = Wanted { program: Some(program), asked: wanted.asked + 1 });
    }

    /// Ends the stream and stays off.
    pub fn stop(&self) {
        self.wanted.send_modify(|wanted| wanted.program = None);
    }

    pub fn is_wanted(&self) -> bool {
        self.wanted.borrow().program.is_some()
    }

    pub fn state(&self) -> State {
        let Shown { state, until } = self.state.borrow().clone();
        let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        let seconds = left.as_secs_f64().ceil() as u32;
        match state {
            State::Waiting { reason, .. } => State::Waiting { seconds, reason },
            State::Refused { reason, .. } => State::Refused { seconds, reason },
            state => state,
        }
    }

    /// Returns once the state is such a one.
    pub async fn wait_for(&self, mut such: impl FnMut(&State) -> bool) {
        let _ = self.state.clone().wait_for(|shown| such(&shown.state)).await;
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Ends the stream in good order.
    pub async fn close(self) {
        let Self { wanted, task, .. } = self;
        // The task ends when nobody can want anything any more.
        drop(wanted);
        let _ = task.await;
    }
}

struct Owner {
    place: Place,
    trust: Trust,
    counters: Arc<Counters>,
    wishes: watch::Receiver<Wanted>,
    shows: watch::Sender<Shown>,
    machine: Machine,
    began: Instant,
}

impl Owner {
    fn now(&self) -> i64 {
        self.began.elapsed().as_micros() as i64
    }

    fn on(&mut self, event: Event) {
        let now = self.now();
        self.machine.on(event, now, rand::random());
        let until = self.machine.wake().map(|wake| self.began + Duration::from_micros(wake.max(0) as u64));
        let state = self.machine.state(now);
        let changed = self.shows.borrow().state != state;
        if changed {
            info!("target={} state={state:?}", self.place.id);
        }
        self.shows.send_replace(Shown { state, until });
    }

    async fn run(mut self) {
        if self.wishes.borrow_and_update().program.is_some() {
            self.on(Event::Start);
        }
        loop {
            let going = match self.machine.phase() {
                Phase::Connecting | Phase::Live { .. } => self.connection().await,
                _ => self.idle().await,
            };
            if !going {
                return;
            }
        }
    }

    /// Until somebody wants something or a wait is over. False: this was the end.
    async fn idle(&mut self) -> bool {
        let wake = self.machine.wake().map(|wake| self.began + Duration::from_micros(wake.max(0) as u64));
        let sleep = async {
            match wake {
                Some(wake) => tokio::time::sleep_until(wake.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            wish = self.wishes.changed() => match wish {
                Ok(()) => {
                    let on = self.wishes.borrow_and_update().program.is_some();
                    self.on(if on { Event::Start } else { Event::Stop });
                }
                Err(_) => return false,
            },
            () = sleep => {
                self.counters.reconnects.fetch_add(1, Relaxed);
                self.on(Event::Woken);
            }
        }
        true
    }

    /// One connection, from its start to its end. False: this was the end of all.
    async fn connection(&mut self) -> bool {
        // Stopped just now.
        let Some(program) = self.wishes.borrow().program.clone() else { return self.stop(true) };
        let (place, trust) = (self.place.clone(), self.trust.clone());
        let counters = self.counters.clone();
        let Place { address, key, .. } = &place;
        let connection = Connection { address, key, trust: &trust, program: &program, counters: &counters };
        let mut wishes = self.wishes.clone();
        let opened = tokio::select! {
            opened = connection.open() => opened,
            going = stopped(&mut wishes) => return self.stop(going),
        };
        let mut live = match opened {
            Ok(live) => live,
            Err(failure) => return self.failed(failure),
        };
        self.on(Event::Live);
        let failure = tokio::select! {
            failure = connection.play(&mut live) => failure,
            going = stopped(&mut wishes) => {
                live.close().await;
                return self.stop(going);
            }
        };
        self.failed(failure)
    }

    fn failed(&mut self, failure: Failure) -> bool {
        self.on(match failure {
            Failure::Lost(reason) => Event::Lost(reason),
            Failure::Refused(reason) => Event::Refused(reason),
        });
        true
    }

    fn stop(&mut self, going: bool) -> bool {
        self.wishes.mark_unchanged();
        self.on(Event::Stop);
        // Wanted again in the meantime.
        if going && self.wishes.borrow_and_update().program.is_some() {
            self.on(Event::Start);
        }
        going
    }
}

/// Returns once nobody wants the stream: true, or false when nobody ever will.
async fn stopped(wishes: &mut watch::Receiver<Wanted>) -> bool {
    wishes.wait_for(|wanted| wanted.program.is_none()).await.is_ok()
}
