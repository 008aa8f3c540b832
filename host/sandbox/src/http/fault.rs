//! What keeps a connection from being made, called by its name: a certificate that has
//! expired is no outage of the PSA.

use std::error::Error as StdError;

use rustls::CertificateError;

/// Why there is no connection, where that is known and does not pass by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkFault {
    /// Signed by an authority that is not trusted here.
    CertificateUntrusted,
    /// Past its last day.
    CertificateExpired,
    /// Before its first day.
    CertificateNotYetValid,
    /// For another name.
    CertificateWrongName,
    /// Taken back by its authority.
    CertificateRevoked,
    /// Not usable for another reason.
    CertificateInvalid,
    /// What answers does not speak TLS, or none that both know.
    NoTls,
    /// The operator's proxy did not let it through.
    ProxyRefused,
    /// The operator's proxy wants a user and a password, or others.
    ProxyCredentials,
}

impl NetworkFault {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::CertificateUntrusted,
        Self::CertificateExpired,
        Self::CertificateNotYetValid,
        Self::CertificateWrongName,
        Self::CertificateRevoked,
        Self::CertificateInvalid,
        Self::NoTls,
        Self::ProxyRefused,
        Self::ProxyCredentials,
    ];

    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::CertificateUntrusted => "certificate-untrusted",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotYetValid => "certificate-not-yet-valid",
            Self::CertificateWrongName => "certificate-wrong-name",
            Self::CertificateRevoked => "certificate-revoked",
            Self::CertificateInvalid => "certificate-invalid",
            Self::NoTls => "tls-failed",
            Self::ProxyRefused => "proxy-refused",
            Self::ProxyCredentials => "proxy-credentials",
        }
    }

    /// What is wrong, about a host.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::CertificateUntrusted => {
                "its certificate is signed by an authority that this computer does not trust"
            }
            Self::CertificateExpired => "its certificate has expired",
            Self::CertificateNotYetValid => "its certificate is not valid yet",
            Self::CertificateWrongName => "its certificate is for another name",
            Self::CertificateRevoked => "its certificate was revoked",
            Self::CertificateInvalid => "its certificate cannot be used",
            Self::NoTls => "what answers there does not speak TLS as it should",
            Self::ProxyRefused => "the proxy did not let the request through",
            Self::ProxyCredentials => "the proxy wants a user and a password, or others",
        }
    }

    /// What a person can do.
    pub fn fix(self) -> &'static str {
        match self {
            Self::CertificateUntrusted => {
                "Where a proxy or firewall of your company inspects TLS, name its certificate authority with --ca-file or PSA_HOST_CA_FILE, or install it in the system. Where you expect none, somebody may stand between: do not go on before you know who. In a container, install the CA certificates."
            }
            Self::CertificateExpired => {
                "See that the clock of this computer is right. If it is, the certificate must be renewed by whoever runs that server, or the proxy between."
            }
            Self::CertificateNotYetValid => {
                "Set the clock of this computer right. If it is, the certificate is wrong: ask whoever runs that server, or the proxy between."
            }
            Self::CertificateWrongName => {
                "Correct the connection's address if it names the wrong server; else a proxy or firewall stands between that answers for it."
            }
            Self::CertificateRevoked | Self::CertificateInvalid => {
                "Ask whoever runs that server, or the proxy or firewall between, for a valid certificate."
            }
            Self::NoTls => {
                "See what answers at that address: a proxy, a firewall or a sign-in page of the network may stand between. Name a proxy with --proxy or PSA_HOST_PROXY."
            }
            Self::ProxyRefused => {
                "Allow the host in the proxy, or correct --proxy or PSA_HOST_PROXY."
            }
            Self::ProxyCredentials => {
                "Give the proxy's user and password in its address: PSA_HOST_PROXY=http://USER:PASSWORD@HOST:PORT."
            }
        }
    }

    /// By an error of TLS.
    pub(super) fn of_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => Self::of_certificate(error),
            rustls::Error::NoCertificatesPresented => Self::CertificateInvalid,
            _ => Self::NoTls,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        use CertificateError as Bad;
        match error {
            Bad::Expired | Bad::ExpiredContext { .. } => Self::CertificateExpired,
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => Self::CertificateNotYetValid,
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Self::CertificateWrongName,
            Bad::UnknownIssuer => Self::CertificateUntrusted,
            Bad::Revoked => Self::CertificateRevoked,
            // A server that signed for itself, with a certificate of an authority.
            Bad::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
                Self::CertificateUntrusted
            }
            _ => Self::CertificateInvalid,
        }
    }

    /// By the words of the tunnel through a proxy, which has no type to tell it by.
    pub(super) fn of_tunnel(words: &str) -> Option<Self> {
        let words = words.to_ascii_lowercase();
        let tunnel = words.contains("tunnel") || words.contains("proxy");
        if !tunnel {
            return None;
        }
        Some(
            match words.contains("authorization") || words.contains("407") {
                true => Self::ProxyCredentials,
                false => Self::ProxyRefused,
            },
        )
    }
}

/// The error of TLS somewhere below an error. An `io::Error` keeps it where `source` does
/// not lead.
pub(super) fn tls_error<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e rustls::Error> {
    let mut cause = Some(error);
    while let Some(now) = cause {
        if let Some(found) = now.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        let inner = now
            .downcast_ref::<std::io::Error>()
            .and_then(|io| io.get_ref());
        if let Some(inner) = inner {
            let inner: &(dyn StdError + 'static) = inner;
            if let Some(found) = tls_error(inner) {
                return Some(found);
            }
        }
        cause = now.source();
    }
    None
}
