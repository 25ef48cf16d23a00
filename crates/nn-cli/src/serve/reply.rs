//! Answers as HTTP: owns their headers and the form of errors, and refuses to know what they answer.

use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    body::Bytes,
    header::{self, HeaderName, HeaderValue},
};
use serde::Serialize;

pub(super) type Reply = Response<Full<Bytes>>;

const JSON: &str = "application/json";

/// Nothing but what this server itself sends may be in the page, and no other page may have anything of this server in
/// it. What is served may change with the next model.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// An answer of any kind.
pub(super) fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// JSON that was made before.
pub(super) fn json(body: impl Into<Bytes>) -> Reply {
    reply(StatusCode::OK, JSON, body)
}

/// Why a question is not answered.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    header: Option<(HeaderName, &'static str)>,
    /// What was expected and what was found.
    error: String,
    /// What to do about it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Refusal {
        Refusal { status, header: None, error: error.into(), hint: None }
    }

    /// A question that makes no sense.
    pub(super) fn bad_request(error: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, error)
    }

    /// A question that may be asked again in a second.
    pub(super) fn for_now(status: StatusCode, error: impl Into<String>) -> Refusal {
        Refusal { header: Some((header::RETRY_AFTER, "1")), ..Refusal::new(status, error) }
    }

    /// A path that is there, but not for this method.
    pub(super) fn method(found: &hyper::Method, allowed: &'static str) -> Refusal {
        let error = format!("expected the method {allowed}, found {found}");
        Refusal {
            header: Some((header::ALLOW, allowed)),
            ..Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error)
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Refusal {
        Refusal { hint: Some(hint.into()), ..self }
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    #[cfg(test)]
    pub(super) fn error(&self) -> &str {
        &self.error
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Reply {
        // Strings alone can always be written.
        let body = serde_json::to_vec(&refusal).unwrap_or_default();
        let mut reply = reply(refusal.status, JSON, body);
        if let Some((name, value)) = refusal.header {
            reply.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        reply
    }
}
