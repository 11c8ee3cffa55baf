//! Passkeys (WebAuthn): the browser's half of a key pair proves who somebody is, at this very site
//! and nowhere else. The challenges that wait for an answer are kept here, in memory; the public
//! halves are kept in the store.

use crate::refusal::Refusal;
use axum::http::StatusCode;
use rivulet_protocol::rest::PasskeyChallenge as Challenge;
use rivulet_store::{User, random_name};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use url::Url;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Uuid, WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

/// A person looks for the key, and finds it.
const CHALLENGE_MS: i64 = 5 * 60 * 1000;
/// The oldest is forgotten on top of that.
const MAX_CHALLENGES: usize = 10_000;

enum Waiting {
    Registration { user_id: String, state: PasskeyRegistration },
    Login(DiscoverableAuthentication),
}

/// By their tickets.
type Challenges = HashMap<String, (i64, Waiting)>;

#[derive(Default)]
pub struct Passkeys(Mutex<Challenges>);

fn refused(error: &WebauthnError) -> Refusal {
    tracing::info!(%error, "a passkey was refused");
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_passkey", "This passkey was not accepted.")
}

fn expired() -> Refusal {
    let detail = "This took too long, or was answered already; try again.";
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "challenge_expired", detail)
}

fn unreadable() -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_passkey", "This is not what a browser answers.")
}

/// Browsers have passkeys for sites with a name only, and the name is a part of each.
fn rules(site: &Url, instance: &str) -> Result<Webauthn, Refusal> {
    let built = site.domain().and_then(|name| WebauthnBuilder::new(name, site).ok()?.rp_name(instance).build().ok());
    built.ok_or_else(|| {
        let detail = "Passkeys need a server with a name: this one was reached by its address.";
        Refusal::new(StatusCode::CONFLICT, "no_passkeys", detail)
    })
}

/// The same for a user each time, so that a device keeps one passkey for each; says nothing about
/// the user otherwise.
fn handle(user_id: &str) -> Uuid {
    let digest = ring::digest::digest(&ring::digest::SHA256, format!("passkey of {user_id}").as_bytes());
    Uuid::from_slice(&digest.as_ref()[..16]).unwrap_or_default()
}

/// What the store finds a passkey by.
pub fn credential_id(passkey: &Passkey) -> String {
    hex(passkey.cred_id().as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A browser's answer to a log-in.
pub struct Proof(PublicKeyCredential);

impl Proof {
    pub fn read(answer: Value) -> Result<Self, Refusal> {
        serde_json::from_value(answer).map(Self).map_err(|_| unreadable())
    }

    /// Of the passkey that it claims to be from.
    pub fn credential_id(&self) -> String {
        hex(self.0.get_credential_id())
    }
}

impl Passkeys {
    fn lock(&self) -> MutexGuard<'_, Challenges> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for(&self, options: impl serde::Serialize, waiting: Waiting, now_ms: i64) -> Result<Challenge, Refusal> {
        let options = serde_json::to_value(options).map_err(|_| unreadable())?;
        let ticket = random_name();
        let mut challenges = self.lock();
        if challenges.len() >= MAX_CHALLENGES {
            challenges.retain(|_, (until_ms, _)| *until_ms > now_ms);
        }
        if challenges.len() >= MAX_CHALLENGES {
            let oldest = challenges.iter().min_by_key(|(_, (until_ms, _))| *until_ms).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| challenges.remove(&oldest));
        }
        challenges.insert(ticket.clone(), (now_ms + CHALLENGE_MS, waiting));
        Ok(Challenge { ticket, options })
    }

    /// Each is answered once.
    fn answered(&self, ticket: &str, now_ms: i64) -> Result<Waiting, Refusal> {
        let (until_ms, waiting) = self.lock().remove(ticket).ok_or_else(expired)?;
        if until_ms > now_ms { Ok(waiting) } else { Err(expired()) }
    }

    /// What the browser passes to `navigator.credentials.create`. `known` are those that the user
    /// has already.
    pub fn start_registration(
        &self,
        site: &Url,
        instance: &str,
        user: &User,
        known: &[Passkey],
        now_ms: i64,
    ) -> Result<Challenge, Refusal> {
        let known = known.iter().map(|passkey| passkey.cred_id().clone()).collect();
        let rules = rules(site, instance)?;
        let started = rules.start_passkey_registration(handle(&user.id), &user.name, user.shown_name(), Some(known));
        let (options, state) = started.map_err(|e| refused(&e))?;
        let waiting = Waiting::Registration { user_id: user.id.clone(), state };
        let mut challenge = self.wait_for(options, waiting, now_ms)?;
        // Kept on the device with the name of its user, where it can: then nobody has to type one.
        challenge.options["publicKey"]["authenticatorSelection"]["residentKey"] = "preferred".into();
        Ok(challenge)
    }

    pub fn finish_registration(
        &self,
        site: &Url,
        user_id: &str,
        ticket: &str,
        answer: Value,
        now_ms: i64,
    ) -> Result<Passkey, Refusal> {
        let answer: RegisterPublicKeyCredential = serde_json::from_value(answer).map_err(|_| unreadable())?;
        match self.answered(ticket, now_ms)? {
            Waiting::Registration { user_id: whose, state } if whose == user_id => {
                rules(site, "")?.finish_passkey_registration(&answer, &state).map_err(|e| refused(&e))
            }
            _ => Err(expired()),
        }
    }

    /// What the browser passes to `navigator.credentials.get`.
    pub fn start_login(&self, site: &Url, now_ms: i64) -> Result<Challenge, Refusal> {
        let (options, state) = rules(site, "")?.start_discoverable_authentication().map_err(|e| refused(&e))?;
        let mut challenge = self.wait_for(options, Waiting::Login(state), now_ms)?;
        // Asked for with a button, not offered while typing.
        challenge.options.as_object_mut().and_then(|options| options.remove("mediation"));
        Ok(challenge)
    }

    /// Whether the proof is from `passkey`, whose counter it brings up to date: it is to be stored
    /// again.
    pub fn finish_login(
        &self,
        site: &Url,
        ticket: &str,
        proof: &Proof,
        passkey: &mut Passkey,
        now_ms: i64,
    ) -> Result<(), Refusal> {
        let Waiting::Login(state) = self.answered(ticket, now_ms)? else { return Err(expired()) };
        let key = DiscoverableKey::from(&*passkey);
        let result = rules(site, "")?.finish_discoverable_authentication_v2(&proof.0, state, &key);
        passkey.update_credential(&result.map_err(|e| refused(&e))?);
        Ok(())
    }
}

#[cfg(test)]
#[path = "passkey_tests.rs"]
mod tests;
