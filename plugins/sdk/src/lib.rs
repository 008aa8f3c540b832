//! What every PSA connector written in Rust shares, so that a connector is little more
//! than its PSA's API.
//!
//! A connector is a type that implements [`Connector`]. It never calls the outside
//! itself but through a [`Host`] that is handed to it, so the same code runs
//!
//! - as a guest: [`export_connector!`] makes a component of it, and `Host` is psa-host;
//! - in its unit tests, with [`testing::FakeHost`];
//! - in a native program (a benchmark) with a `Host` of that program's own.
//!
//! The records of the contract are those that wit-bindgen makes from
//! `wit/`, on every target: they cannot drift from it.

#![warn(unreachable_pub)]
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

#[doc(hidden)]
pub mod bindings;
mod civil_date;
mod connector;
mod decimal;
mod fault;
mod host;
mod json;
mod packing;
pub mod paging;
mod psa_words;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod timeline;
pub mod url;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod guest;

pub use bindings::exports::psa_host::connector::connector::*;
pub use bindings::psa_host::guest::http::{Request, Response, SendFailure, SendFailureKind};
pub use bindings::psa_host::guest::log::Level;
pub use bindings::psa_host::guest::plugin::{
    ApiUsage, Authentication, BasicTemplate, Depth, EncodedPairTemplate, Field, FieldKind,
    FieldScope, Finding, HeaderTemplate, Oauth2Template, RequestLimits, Route, RouteKind, Scheme,
    Setting, TokenRequest, Verdict, Window,
};
pub use bindings::psa_host::guest::storage::StorageError;
pub use bindings::psa_host::guest::types::{CivilDate, Error, Fault, Money, RateLimit, Truth};
pub use civil_date::Date;
pub use connector::{Connector, Settings};
pub use decimal::Decimal;
pub use fault::{fault, invalid, kind_of, not_sent, send_failed};
pub use host::Host;
pub use json::read_json;
pub use packing::Packer;
pub use psa_words::{html_title, is_html, retry_after_seconds, shorten};

/// Makes a component of a [`Connector`]. On other targets it does nothing, so that
/// several connectors can be linked into one native program.
#[macro_export]
macro_rules! export_connector {
    ($connector:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            ::std::thread_local! {
                static CONFIGURED: $crate::guest::Slot<$connector> = const { $crate::guest::Slot::new() };
            }
            struct Exported;
            impl $crate::guest::Exported for Exported {
                type Connector = $connector;
                fn with<R>(work: impl FnOnce(&$crate::guest::Slot<$connector>) -> R) -> R {
                    CONFIGURED.with(work)
                }
            }
            $crate::bindings::__export_psa_connector!(Exported with_types_in $crate::bindings);
        };
    };
}

/// The developer's page is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
