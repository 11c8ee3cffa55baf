//! Web Push: a message for one browser, which its maker's push service passes on. The service
//! learns whom we are (VAPID, RFC 8292) and nothing of what we say (RFC 8291).

use axum::body::Bytes;
use axum::http::{HeaderValue, Request, StatusCode, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rivulet_outside::{Bounds, Client, Failure};
use serde_json::json;
use std::time::Duration;
use url::Url;

/// A record of this size is one that every service takes, and longer than any message of ours.
const RECORD_BYTES: u32 = 4096;
/// A push service may keep a message for a browser that is away: longer would be no news.
const KEEP_S: u32 = 4 * 3600;
const TOKEN_S: i64 = 12 * 3600;
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(10), body_bytes: 1024 };

/// A browser's own keys and where it listens.
#[derive(Debug, Clone)]
pub struct Subscriber {
    pub endpoint: String,
    pub p256dh: Vec<u8>,
    pub auth: Vec<u8>,
}

impl Subscriber {
    /// From the text of a browser; `None` where it cannot be one.
    pub fn parse(endpoint: &str, p256dh: &str, auth: &str) -> Option<Self> {
        let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let (p256dh, auth) = (bytes(p256dh)?, bytes(auth)?);
        let whole = p256dh.len() == 65 && p256dh[0] == 4 && auth.len() == 16;
        whole.then(|| Self { endpoint: endpoint.to_owned(), p256dh, auth })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Taken,
    /// The browser has unsubscribed: nothing is to be sent there again.
    Gone,
    /// Nothing to do about it now.
    Refused(u16),
}

/// Who we are to push services.
pub struct Sender {
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl Sender {
    /// Text to keep, for [`Sender::open`].
    pub fn generate() -> String {
        let random = SystemRandom::new();
        match EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random) {
            Ok(pkcs8) => BASE64_URL_SAFE_NO_PAD.encode(pkcs8),
            Err(e) => panic!("the operating system gives no random numbers: {e}"),
        }
    }

    pub fn open(kept: &str) -> Option<Self> {
        let random = SystemRandom::new();
        let pkcs8 = BASE64_URL_SAFE_NO_PAD.decode(kept).ok()?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random).ok()?;
        Some(Self { key, random })
    }

    /// What a browser is given when it subscribes.
    pub fn public_key(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.key.public_key())
    }

    pub async fn send(&self, http: &Client, to: &Subscriber, text: &str, now_ms: i64) -> Result<Sent, Failure> {
        let url = Url::parse(&to.endpoint).map_err(|_| Failure::BadUrl)?;
        let body = self.encrypt(to, text.as_bytes()).ok_or(Failure::BadUrl)?;
        let token = self.token(&url.origin().ascii_serialization(), now_ms / 1000).ok_or(Failure::BadUrl)?;
        let vapid = format!("vapid t={token}, k={}", self.public_key());
        let mut request = Request::post(url.as_str()).body(Bytes::from(body)).map_err(|_| Failure::BadUrl)?;
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&vapid).map_err(|_| Failure::BadUrl)?);
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert("ttl", KEEP_S.into());
        let answer = http.send(request, BOUNDS).await?;
        Ok(match answer.status {
            status if status.is_success() => Sent::Taken,
            StatusCode::NOT_FOUND | StatusCode::GONE => Sent::Gone,
            status => Sent::Refused(status.as_u16()),
        })
    }

    /// A JWT that proves to one push service who sends.
    fn token(&self, service: &str, now_s: i64) -> Option<String> {
        let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(json!({"typ": "JWT", "alg": "ES256"}));
        let claims =
            part(json!({"aud": service, "exp": now_s + TOKEN_S, "sub": "https://github.com/rivulet-live/rivulet"}));
        let text = format!("{head}.{claims}");
        let signature = self.key.sign(&self.random, text.as_bytes()).ok()?;
        Some(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    fn encrypt(&self, to: &Subscriber, text: &[u8]) -> Option<Vec<u8>> {
        let mut salt = [0; 16];
        self.random.fill(&mut salt).ok()?;
        let own = EphemeralPrivateKey::generate(&ECDH_P256, &self.random).ok()?;
        let public = own.compute_public_key().ok()?;
        let peer = UnparsedPublicKey::new(&ECDH_P256, &to.p256dh);
        agree_ephemeral(own, &peer, |secret| seal(secret, to, public.as_ref(), salt, text)).ok()?
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive<const N: usize>(key: &Prk, info: &[&[u8]]) -> Option<[u8; N]> {
    let mut derived = [0; N];
    key.expand(info, Length(N)).ok()?.fill(&mut derived).ok()?;
    Some(derived)
}

/// The one record of a message, with its header.
fn seal(secret: &[u8], to: &Subscriber, public: &[u8], salt: [u8; 16], text: &[u8]) -> Option<Vec<u8>> {
    let combined = Salt::new(HKDF_SHA256, &to.auth).extract(secret);
    let material: [u8; 32] = derive(&combined, &[b"WebPush: info\0", &to.p256dh, public])?;
    let keys = Salt::new(HKDF_SHA256, &salt).extract(&material);
    let key: [u8; 16] = derive(&keys, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = derive(&keys, &[b"Content-Encoding: nonce\0"])?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
    let mut record = text.to_vec();
    // The end of the last record.
    record.push(2);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record).ok()?;
    let mut message = salt.to_vec();
    message.extend(RECORD_BYTES.to_be_bytes());
    message.push(public.len().try_into().ok()?);
    message.extend(public);
    message.extend(record);
    (message.len() <= RECORD_BYTES as usize).then_some(message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey as Verifier};

    /// RFC 8291, appendix A.
    #[test]
    fn a_known_message() {
        let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
        let to = Subscriber::parse(
            "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "BTBZMqHH6r4Tts7J_aSIgg",
        );
        let public = bytes("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8");
        let secret = bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let message = seal(&secret, &to.unwrap(), &public, salt, b"When I grow up, I want to be a watermelon");
        assert_eq!(
            BASE64_URL_SAFE_NO_PAD.encode(message.unwrap()),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBr\
             u3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn a_service_can_check_who_sends() {
        let sender = Sender::open(&Sender::generate()).unwrap();
        let token = sender.token("https://push.example", 1_700_000_000).unwrap();
        let (text, signature) = token.rsplit_once('.').unwrap();
        let key = BASE64_URL_SAFE_NO_PAD.decode(sender.public_key()).unwrap();
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        Verifier::new(&ECDSA_P256_SHA256_FIXED, key).verify(text.as_bytes(), &signature).unwrap();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(text.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(
            (claims["aud"].as_str(), claims["exp"].as_i64()),
            (Some("https://push.example"), Some(1_700_043_200))
        );
        assert!(Sender::open("nonsense").is_none());
    }

    #[test]
    fn keys_that_are_none() {
        for (p256dh, auth) in [("", ""), ("BCVx", "BTBZMqHH6r4Tts7J_aSIgg"), ("\"", "\"")] {
            assert!(Subscriber::parse("https://push.example/", p256dh, auth).is_none());
        }
    }
}
