//! What a plugin says of itself, checked: after this, names are names, templates refer
//! to declared fields, hosts are patterns and routes are routes.

mod checked;

pub(crate) use self::checked::kind as kind_of_rejection;

use psa_host_billing::rejection::RejectionKind;
use psa_host_billing::{QuantityModel, Truth};
use serde::{Deserialize, Serialize};

use crate::bindings::exports::psa_host::connector::connector as wit;
use crate::bindings::psa_host::guest::types::Truth as WitTruth;
use crate::{HostPattern, Route, Template};

/// A plugin's description of itself. Its texts are a stranger's: bounded and without
/// control characters, but nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// `[a-z][a-z0-9-]*`; a claim.
    pub name: String,
    /// As people read it.
    pub label: String,
    /// Semver.
    pub version: String,
    /// What this PSA calls things.
    pub terms: Terms,
    /// Settings and secrets it needs.
    pub fields: Vec<Field>,
    /// How the host authenticates its requests.
    pub authentication: Authentication,
    /// Hosts it asks for.
    pub hosts: Vec<HostPattern>,
    /// MSPs run this PSA on hosts of their own: the operator may grant further ones.
    // Kept descriptions of contract 0.1 do not have it, nor the forms of a refusal.
    #[serde(default)]
    pub self_hosted: bool,
    /// Which requests are reads and which are writes.
    pub routes: Vec<Route>,
    /// What its PSA stands.
    pub limits: RequestLimits,
    /// How its PSA counts.
    pub quantity: QuantityModel,
    /// How its PSA says no to a write.
    #[serde(default)]
    pub refusals: Vec<RefusalForm>,
}

/// What a PSA calls things, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the PSA's word for the word")]
pub struct Terms {
    pub account: String,
    pub accounts: String,
    pub service: String,
    pub services: String,
    pub contract: String,
    pub line: String,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Plain text.
    Text,
    /// An https address within the grant.
    Url,
    /// Never given to the plugin.
    Secret,
}

/// Of whom a field is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldScope {
    /// Once per plugin, of the operator.
    Plugin,
    /// Once per connection, of the MSP admin.
    Connection,
}

/// A setting or secret that a plugin needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// `[a-z][a-z0-9-]*`, unique in the plugin.
    pub key: String,
    /// As people read it.
    pub label: String,
    /// One or two sentences.
    pub help: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Of whom it is asked.
    pub scope: FieldScope,
    /// Whether nothing works without it.
    pub required: bool,
}

/// A header, or a field of a form, with a template for its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderTemplate {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Template,
}

/// How requests are authenticated besides plain headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Scheme {
    /// Only by headers.
    None,
    /// HTTP Basic.
    Basic {
        /// User name.
        user: Template,
        /// Password.
        password: Template,
    },
    /// A header of its own with `base64(user:password)`.
    EncodedPair {
        /// The header.
        header: String,
        /// What stands before the colon.
        user: Template,
        /// What stands after it.
        password: Template,
    },
    /// OAuth2 client credentials; the host fetches, keeps and renews the token.
    Oauth2ClientCredentials {
        /// Where tokens are got.
        token_url: Template,
        /// How they are asked for.
        #[serde(default = "TokenRequest::form")]
        request: TokenRequest,
        /// Client id.
        client_id: Template,
        /// Client secret.
        client_secret: Template,
        /// Scope asked for.
        scope: Option<String>,
        /// Further fields of the form.
        extra: Vec<HeaderTemplate>,
    },
}

/// How a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenRequest {
    /// With a form, as RFC 6749 says.
    Form,
    /// With one JSON object.
    Json,
}

impl TokenRequest {
    /// What contract 0.1 had alone.
    fn form() -> Self {
        Self::Form
    }
}

/// How a PSA's refusal of a write looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalForm {
    /// The answer's status.
    pub status: u16,
    /// What its body has to be.
    pub evidence: RefusalEvidence,
    /// What may be meant by it; never empty.
    pub kinds: Vec<RejectionKind>,
}

/// What the body of a refusal has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalEvidence {
    /// Nothing.
    EmptyBody,
    /// JSON with something at this JSON Pointer (RFC 6901).
    JsonMember(String),
}

/// The declared authentication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// Headers that only the host sets.
    pub headers: Vec<HeaderTemplate>,
    /// What else.
    pub scheme: Scheme,
}

/// So many requests in a rolling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// How many, of everybody together.
    pub requests: u32,
    /// How long, in seconds; at most 31 days.
    pub seconds: u32,
}

impl Window {
    pub(crate) fn length(self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(i64::from(self.seconds))
    }
}

/// What a PSA stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLimits {
    /// Requests in a rolling window.
    pub window: Option<Window>,
    /// Requests at once on one endpoint; 1 to 64.
    pub at_once_per_endpoint: u32,
    /// Instances side by side on one tenant; 1 to 64.
    pub instances: u32,
    /// The longest the PSA works on one request; at most a day.
    pub longest_execution_seconds: u32,
    /// Most accounts in one `list_contracts`; 1 to 10,000.
    pub accounts_per_call: u32,
    /// Most lines in one `read_lines`; 1 to 10,000.
    pub lines_per_call: u32,
}

impl Description {
    /// The field with this key.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The fields asked of one person.
    pub fn fields_of(&self, scope: FieldScope) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.scope == scope)
    }

    /// Check what the guest said. All problems at once, for its author.
    pub(crate) fn read(said: wit::Description) -> Result<Self, Vec<String>> {
        checked::read(said)
    }
}

pub(crate) fn truth(said: WitTruth) -> Truth {
    match said {
        WitTruth::No => Truth::No,
        WitTruth::Yes => Truth::Yes,
        WitTruth::Unknown => Truth::Unknown,
    }
}
