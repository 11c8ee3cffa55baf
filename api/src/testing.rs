//! The other side, for tests: a device with a passkey, the provider of an account, a mail server.

#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use url::Url;

/// Holds one ES256 key for one user of one site, and says that it has looked at a finger.
pub struct Authenticator {
    origin: Url,
    id: [u8; 16],
    key: EcdsaKeyPair,
    user: Value,
    uses: u32,
}

impl Authenticator {
    pub fn new(origin: &str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let id = rivulet_store::random();
        Self { origin: origin.parse().unwrap(), id, key, user: Value::Null, uses: 0 }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let origin = self.origin.origin().ascii_serialization();
        let challenge = &options["publicKey"]["challenge"];
        json!({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false}).to_string().into_bytes()
    }

    fn head(&mut self, flags: u8) -> Vec<u8> {
        self.uses += 1;
        let mut data = digest(&SHA256, self.origin.domain().unwrap().as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend_from_slice(&self.uses.to_be_bytes());
        data
    }

    /// `navigator.credentials.create`
    pub fn create(&mut self, options: &Value) -> Value {
        self.user = options["publicKey"]["user"]["id"].clone();
        let client_data = self.client_data("webauthn.create", options);
        // User present, user verified, with a credential.
        let mut data = self.head(0x45);
        data.extend_from_slice(&[0; 16]);
        data.extend_from_slice(&(self.id.len() as u16).to_be_bytes());
        data.extend_from_slice(&self.id);
        let point = self.key.public_key().as_ref();
        // COSE: EC2, ES256, P-256, x and y.
        data.extend_from_slice(&[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend_from_slice(&point[1..33]);
        data.extend_from_slice(&[0x22, 0x58, 0x20]);
        data.extend_from_slice(&point[33..65]);
        let mut attestation = b"\xa3cfmtdnonegattStmt\xa0hauthData\x58".to_vec();
        attestation.push(u8::try_from(data.len()).unwrap());
        attestation.extend_from_slice(&data);
        self.answer(json!({
            "clientDataJSON": BASE64.encode(client_data),
            "attestationObject": BASE64.encode(attestation),
        }))
    }

    /// `navigator.credentials.get`
    pub fn get(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.head(0x05);
        let mut signed = data.clone();
        signed.extend_from_slice(digest(&SHA256, &client_data).as_ref());
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.answer(json!({
            "clientDataJSON": BASE64.encode(client_data),
            "authenticatorData": BASE64.encode(data),
            "signature": BASE64.encode(signature),
            "userHandle": self.user,
        }))
    }

    fn answer(&self, response: Value) -> Value {
        let id = BASE64.encode(self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response, "extensions": {}})
    }
}

/// An OpenID provider on this machine: signs what it is told to, for whoever brings the right code
/// and proof.
pub struct Provider {
    pub issuer: String,
    /// Claims on top of the usual ones, or in place of them.
    pub claims: std::sync::Arc<std::sync::Mutex<Value>>,
    /// What the browser brought: nonce and challenge of the newest flow.
    flow: std::sync::Arc<std::sync::Mutex<(String, String)>>,
}

pub const CODE: &str = "the-code";

impl Provider {
    pub async fn start() -> Self {
        use axum::extract::State;
        use axum::routing::{get, post};
        use axum::{Json, Router};
        use std::collections::HashMap;
        use std::sync::{Arc, Mutex};

        #[derive(Clone)]
        struct Site {
            issuer: String,
            key: Arc<EcdsaKeyPair>,
            claims: Arc<Mutex<Value>>,
            flow: Arc<Mutex<(String, String)>>,
        }

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let (random, signing) = (SystemRandom::new(), &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(signing, &random).unwrap();
        let key = Arc::new(EcdsaKeyPair::from_pkcs8(signing, pkcs8.as_ref(), &random).unwrap());
        let (claims, flow) = (Arc::new(Mutex::new(json!({}))), Arc::<Mutex<(String, String)>>::default());
        let site = Site { issuer: issuer.clone(), key, claims: claims.clone(), flow: flow.clone() };

        async fn configuration(State(site): State<Site>) -> Json<Value> {
            let at = |path: &str| format!("{}/{path}", site.issuer);
            Json(json!({
                "issuer": site.issuer, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
                "jwks_uri": at("keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }))
        }
        async fn keys(State(site): State<Site>) -> Json<Value> {
            let point = site.key.public_key().as_ref();
            let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..65]));
            Json(
                json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "kid": "k", "alg": "ES256", "x": x, "y": y}]}),
            )
        }
        async fn token(State(site): State<Site>, form: String) -> Json<Value> {
            let form: HashMap<String, String> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
            let (nonce, challenge) = site.flow.lock().unwrap().clone();
            let proof = BASE64.encode(digest(&SHA256, form["code_verifier"].as_bytes()));
            if form["code"] != CODE || proof != challenge {
                return Json(json!({"error": "invalid_grant"}));
            }
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            let mut claims = json!({
                "iss": site.issuer, "sub": "subject-1", "aud": "rivulet", "nonce": nonce, "iat": now, "exp": now + 60,
                "email": "ann@d.example", "email_verified": true, "preferred_username": "ann",
            });
            for (name, value) in site.claims.lock().unwrap().as_object().unwrap() {
                claims[name] = value.clone();
            }
            let head = BASE64.encode(r#"{"alg":"ES256","kid":"k","typ":"JWT"}"#);
            let signed = format!("{head}.{}", BASE64.encode(claims.to_string()));
            let signature = site.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            let id_token = format!("{signed}.{}", BASE64.encode(signature));
            Json(json!({"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": id_token}))
        }
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(site);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, claims, flow }
    }

    /// The person logs in there, at the address that the browser was sent to. Answers `state`.
    pub fn authorize(&self, url: &Url) -> String {
        let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        assert!(url.as_str().starts_with(&format!("{}/authorize?", self.issuer)), "{url}");
        assert_eq!(
            (parameter("response_type").as_str(), parameter("code_challenge_method").as_str()),
            ("code", "S256")
        );
        assert!(parameter("scope").contains("openid"));
        *self.flow.lock().unwrap() = (parameter("nonce"), parameter("code_challenge"));
        parameter("state")
    }
}

/// Takes mail for everybody but `nobody`.
pub struct MailServer {
    pub port: u16,
    told: tokio::sync::mpsc::UnboundedReceiver<String>,
}

impl MailServer {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, told) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = tell.send(Self::listen(stream).await);
            }
        });
        Self { port, told }
    }

    /// All that the next client said.
    pub async fn next(&mut self) -> String {
        let next = tokio::time::timeout(std::time::Duration::from_secs(5), self.told.recv());
        next.await.unwrap().unwrap()
    }

    async fn listen(stream: tokio::net::TcpStream) -> String {
        use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 hello\r\n").await.unwrap();
        let (mut told, mut in_data) = (String::new(), false);
        while let Ok(Some(line)) = lines.next_line().await {
            told += &line;
            told.push('\n');
            let answer: &[u8] = match line.split(' ').next().unwrap_or_default() {
                "." if in_data => b"250 taken\r\n",
                _ if in_data => continue,
                "EHLO" => b"250-here\r\n250 AUTH PLAIN\r\n",
                "AUTH" => b"235 welcome\r\n",
                "RCPT" if line.contains("nobody") => b"550 no such user here\r\n",
                "DATA" => b"354 go on\r\n",
                "QUIT" => b"221 bye\r\n",
                _ => b"250 fine\r\n",
            };
            in_data = line == "DATA" || (in_data && line != ".");
            write.write_all(answer).await.unwrap();
            if line == "." || line == "QUIT" {
                break;
            }
        }
        told
    }
}
