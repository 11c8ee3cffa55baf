//! Objects in a bucket, on any server that speaks S3.

use super::BlobError;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use bytes::Bytes;
use std::time::Duration;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Keys never come back with other content, so a copy anywhere is good for ever.
const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";
/// The most that S3 takes in one request.
const DELETE_AT_ONCE: usize = 1000;

#[derive(Clone)]
pub struct S3 {
    client: Client,
    bucket: String,
    /// Empty, or ends with a slash.
    prefix: String,
    endpoint: Option<String>,
}

impl S3 {
    pub fn open(url: &str, env: impl Fn(&str) -> Option<String>) -> Result<Self, BlobError> {
        let config = |text: String| BlobError::Config(format!("the blob store's URL {text}"));
        let url = Url::parse(url).map_err(|e| config(format!("is not a URL: {e}")))?;
        let bucket = url.host_str().unwrap_or_default().to_owned();
        if url.scheme() != "s3" || bucket.is_empty() {
            return Err(config("is not understood: write s3://BUCKET/PREFIX?endpoint=…&region=…".into()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(config(
                "must not have credentials: put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into(),
            ));
        }
        let mut endpoint = None;
        let mut region = env("AWS_REGION").or_else(|| env("AWS_DEFAULT_REGION"));
        let mut path_style = None;
        for (key, value) in url.query_pairs() {
            match (key.as_ref(), value.as_ref()) {
                ("endpoint", value) => match Url::parse(value) {
                    Ok(url) if matches!(url.scheme(), "http" | "https") => endpoint = Some(value.to_owned()),
                    _ => return Err(config("has an `endpoint` that is no http:// or https:// address".into())),
                },
                ("region", value) => region = Some(value.to_owned()),
                ("path_style", "true") => path_style = Some(true),
                ("path_style", "false") => path_style = Some(false),
                ("path_style", _) => return Err(config("has a `path_style` other than true or false".into())),
                (key, _) => {
                    return Err(config(format!(
                        "has an unknown option `{key}`: there are endpoint, region, path_style"
                    )));
                }
            }
        }
        let mut prefix = url.path().trim_matches('/').to_owned();
        if !prefix.is_empty() {
            super::check_key(&prefix)
                .map_err(|_| config("has a prefix with other characters than A-Z a-z 0-9 . _ - /".into()))?;
            prefix.push('/');
        }
        let (Some(key), Some(secret)) = (env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY")) else {
            return Err(BlobError::Config(format!(
                "the bucket {bucket} needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )));
        };
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::rustls(CryptoMode::Ring)).build_https();
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT);
        let mut builder = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .credentials_provider(Credentials::new(key, secret, env("AWS_SESSION_TOKEN"), None, "environment"))
            .region(Region::new(region.unwrap_or_else(|| "us-east-1".into())))
            .force_path_style(path_style.unwrap_or(endpoint.is_some()))
            .timeout_config(timeouts.build())
            // The uploader tries again itself, for longer than the SDK would, and counts it.
            .retry_config(RetryConfig::disabled())
            // Servers other than Amazon's know few of the newer checksums.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(endpoint) = &endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        Ok(Self { client: Client::from_conf(builder.build()), bucket, prefix, endpoint })
    }

    pub async fn put(&self, key: &str, body: Bytes, content_type: &str) -> Result<(), BlobError> {
        let request = self.client.put_object().bucket(&self.bucket).key(self.key(key)).body(ByteStream::from(body));
        let request = request.content_type(content_type).cache_control(CACHE_CONTROL);
        request.send().await.map(|_| ()).map_err(|e| self.failed(e))
    }

    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, BlobError> {
        let object = match self.client.get_object().bucket(&self.bucket).key(self.key(key)).send().await {
            Ok(object) => object,
            Err(e) if e.code() == Some("NoSuchKey") => return Ok(None),
            Err(e) => return Err(self.failed(e)),
        };
        match object.body.collect().await {
            Ok(body) => Ok(Some(body.into_bytes())),
            Err(e) => Err(BlobError::Failed(format!("{self}: the object broke off: {e}"))),
        }
    }

    pub async fn delete(&self, keys: &[String]) -> Result<(), BlobError> {
        for keys in keys.chunks(DELETE_AT_ONCE) {
            if !self.delete_many(keys).await? {
                for key in keys {
                    let request = self.client.delete_object().bucket(&self.bucket).key(self.key(key));
                    match request.send().await {
                        Err(e) if e.code() != Some("NoSuchKey") => return Err(self.failed(e)),
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Answers false when the server cannot delete many objects at once.
    async fn delete_many(&self, keys: &[String]) -> Result<bool, BlobError> {
        let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(self.key(key)).build());
        let delete = objects
            .collect::<Result<_, _>>()
            .and_then(|objects| Delete::builder().set_objects(Some(objects)).quiet(true).build())
            .map_err(|e| BlobError::Failed(format!("{self}: {e}")))?;
        let done = match self.client.delete_objects().bucket(&self.bucket).delete(delete).send().await {
            Ok(done) => done,
            // Not implemented, not allowed, or it wants a checksum of another kind.
            Err(e) if e.raw_response().is_some_and(|r| matches!(r.status().as_u16(), 400 | 405 | 501)) => {
                return Ok(false);
            }
            Err(e) => return Err(self.failed(e)),
        };
        match done.errors().iter().find(|e| e.code() != Some("NoSuchKey")) {
            None => Ok(true),
            Some(e) => Err(BlobError::Failed(format!(
                "{self}: deleting {}: {}",
                e.key().unwrap_or("an object"),
                e.message().or(e.code()).unwrap_or("refused")
            ))),
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn failed<E>(&self, error: SdkError<E>) -> BlobError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let (what, mend) = match (&error, error.code()) {
            (SdkError::DispatchFailure(_) | SdkError::TimeoutError(_), _) => {
                (format!("cannot be reached: {}", root_cause(&error)), "start it, or correct `endpoint`")
            }
            (_, Some("NoSuchBucket")) => ("there is no such bucket".into(), "create it, or correct the name"),
            (_, Some(code @ ("AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "Forbidden"))) => (
                format!("refuses the credentials ({code})"),
                "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may do in the bucket",
            ),
            (_, Some(code @ ("AuthorizationHeaderMalformed" | "PermanentRedirect"))) => {
                (format!("is in another region ({code})"), "correct `region`")
            }
            (_, Some(code)) => {
                (format!("{code}: {}", error.message().unwrap_or("no explanation")), "see the server's own log")
            }
            _ => (DisplayErrorContext(&error).to_string(), "check that `endpoint` is an S3 server"),
        };
        BlobError::Failed(format!("{self}: {what}; {mend}"))
    }
}

/// The innermost error, such as "connection refused"; the outer ones only say that something failed.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

impl std::fmt::Display for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "S3 bucket {} at {}", self.bucket, self.endpoint.as_deref().unwrap_or("Amazon"))
    }
}
