#![allow(clippy::unwrap_used)]
use super::*;
use crate::testing::Authenticator;

const SITE: &str = "https://live.example";

fn site() -> Url {
    SITE.parse().unwrap()
}

fn user(id: &str) -> User {
    User { id: id.into(), name: id.into(), ..User::default() }
}

fn code(result: Result<impl Sized, Refusal>) -> &'static str {
    result.map(|_| "accepted").unwrap_or_else(|refusal| refusal.code())
}

/// A passkey of a user, as the store has it.
fn registered(keys: &Passkeys, device: &mut Authenticator, id: &str) -> Passkey {
    let challenge = keys.start_registration(&site(), "Live", &user(id), &[], 0).unwrap();
    let answer = device.create(&challenge.options);
    keys.finish_registration(&site(), id, &challenge.ticket, answer, 1000).unwrap()
}

#[test]
fn registered_once_and_used_often() {
    let (keys, mut device) = (Passkeys::default(), Authenticator::new(SITE));
    let challenge = keys.start_registration(&site(), "Live", &user("u1"), &[], 0).unwrap();
    let options = &challenge.options["publicKey"];
    assert_eq!((&options["rp"]["id"], &options["rp"]["name"]), (&"live.example".into(), &"Live".into()));
    assert_eq!(options["attestation"], "none");
    let mut passkey =
        keys.finish_registration(&site(), "u1", &challenge.ticket, device.create(&challenge.options), 1).unwrap();
    for _ in 0..3 {
        let challenge = keys.start_login(&site(), 2000).unwrap();
        assert!(challenge.options.get("mediation").is_none());
        let proof = Proof::read(device.get(&challenge.options)).unwrap();
        assert_eq!(proof.credential_id(), credential_id(&passkey));
        keys.finish_login(&site(), &challenge.ticket, &proof, &mut passkey, 3000).unwrap();
        // Kept in the store as text.
        passkey = serde_json::from_str(&serde_json::to_string(&passkey).unwrap()).unwrap();
    }
    let challenge = keys.start_registration(&site(), "Live", &user("u1"), &[passkey], 0).unwrap();
    assert_eq!(challenge.options["publicKey"]["excludeCredentials"].as_array().unwrap().len(), 1);
}

#[test]
fn a_challenge_is_answered_once_in_time_by_its_user() {
    let (keys, mut device) = (Passkeys::default(), Authenticator::new(SITE));
    let challenge = keys.start_registration(&site(), "Live", &user("u1"), &[], 0).unwrap();
    let answer = device.create(&challenge.options);
    let finish = |user: &str, answer: &Value, now_ms| {
        code(keys.finish_registration(&site(), user, &challenge.ticket, answer.clone(), now_ms))
    };
    assert_eq!(finish("u2", &answer, 1), "challenge_expired", "another user's");
    assert_eq!(finish("u1", &answer, 1), "challenge_expired", "and it is used up");
    let late = keys.start_registration(&site(), "Live", &user("u1"), &[], 0).unwrap();
    let answer = device.create(&late.options);
    assert_eq!(code(keys.finish_registration(&site(), "u1", &late.ticket, answer, CHALLENGE_MS)), "challenge_expired");
    let mut passkey = registered(&keys, &mut device, "u1");
    let challenge = keys.start_login(&site(), 0).unwrap();
    let proof = Proof::read(device.get(&challenge.options)).unwrap();
    assert!(keys.finish_login(&site(), &challenge.ticket, &proof, &mut passkey, 1).is_ok());
    let again = keys.finish_login(&site(), &challenge.ticket, &proof, &mut passkey, 1);
    assert_eq!(code(again), "challenge_expired", "replayed");
    let other = keys.start_login(&site(), 0).unwrap();
    let again = keys.finish_login(&site(), &other.ticket, &proof, &mut passkey, 1);
    assert_eq!(code(again), "bad_passkey", "the answer to another challenge");
}

#[test]
fn other_sites_other_keys_and_nonsense() {
    let (keys, mut device) = (Passkeys::default(), Authenticator::new(SITE));
    let mut passkey = registered(&keys, &mut device, "u1");
    let mut elsewhere = Authenticator::new("https://live.example.evil.example");
    let challenge = keys.start_registration(&site(), "Live", &user("u1"), &[], 0).unwrap();
    let answer = elsewhere.create(&challenge.options);
    assert_eq!(code(keys.finish_registration(&site(), "u1", &challenge.ticket, answer, 1)), "bad_passkey");

    let mut stranger = Authenticator::new(SITE);
    registered(&keys, &mut stranger, "u2");
    let mut login = |answer: &dyn Fn(&Value) -> Value| {
        let challenge = keys.start_login(&site(), 0).unwrap();
        let proof = Proof::read(answer(&challenge.options)).unwrap();
        code(keys.finish_login(&site(), &challenge.ticket, &proof, &mut passkey, 1))
    };
    let stranger = std::cell::RefCell::new(stranger);
    assert_eq!(login(&|options| stranger.borrow_mut().get(options)), "bad_passkey");
    let device = std::cell::RefCell::new(device);
    let forged = |options: &Value| {
        let mut answer = device.borrow_mut().get(options);
        answer["response"]["signature"] = "AAAA".into();
        answer
    };
    assert_eq!(login(&forged), "bad_passkey");
    for nonsense in [Value::Null, serde_json::json!({}), serde_json::json!({"id": "x", "response": []})] {
        assert_eq!(code(Proof::read(nonsense.clone())), "bad_passkey");
        assert_eq!(code(keys.finish_registration(&site(), "u1", "x", nonsense, 1)), "bad_passkey");
    }
}

#[test]
fn challenges_are_bounded() {
    let keys = Passkeys::default();
    for _ in 0..(MAX_CHALLENGES + 5) {
        keys.start_login(&site(), 0).unwrap();
    }
    assert_eq!(keys.lock().len(), MAX_CHALLENGES);
}

#[test]
fn where_there_are_none() {
    for (url, want) in [
        ("https://live.example", "accepted"),
        ("http://localhost:8080", "accepted"),
        ("http://192.168.1.20:8080", "no_passkeys"),
        ("http://[::1]:8080", "no_passkeys"),
    ] {
        assert_eq!(code(Passkeys::default().start_login(&url.parse().unwrap(), 0)), want, "{url}");
    }
}
