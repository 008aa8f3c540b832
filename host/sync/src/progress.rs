//! How far a long call is: for a progress bar, and for telling a run that gets nowhere.
//! Nothing about money is ever decided by it.

use jiff::Timestamp;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Compiling a plugin that is not in the cache.
    Loading,
    /// Testing the connection.
    Checking,
    /// Listing the PSA's accounts.
    Accounts,
    /// Listing the PSA's services.
    Services,
    /// Reading contracts with their lines; counted in accounts.
    Contracts,
    /// Settling adjustments of an earlier run.
    Settling,
    /// Reading lines again just before posting.
    Rereading,
    /// Posting adjustments.
    Posting,
    /// Reading adjusted lines back.
    ReadingBack,
    /// Waiting for the PSA's request limit or for a pause that it asked for, until then.
    Waiting(Timestamp),
}

impl Activity {
    /// For a person, as it is under way.
    pub fn label(self) -> &'static str {
        match self {
            Self::Loading => "loading the plugin",
            Self::Checking => "checking the connection",
            Self::Accounts => "reading accounts",
            Self::Services => "reading services",
            Self::Contracts => "reading contracts",
            Self::Settling => "settling earlier adjustments",
            Self::Rereading => "reading lines again",
            Self::Posting => "posting adjustments",
            Self::ReadingBack => "reading adjustments back",
            Self::Waiting(_) => "waiting for the PSA",
        }
    }
}

/// One step of a long call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub activity: Activity,
    /// How many are done.
    pub done: usize,
    /// Of how many, where that is known.
    pub total: Option<usize>,
}

/// Who is told of progress. Called often: it has to be quick.
pub type Watch<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// A [`Watch`] for calls that nobody looks at.
pub fn unwatched(_: Progress) {}
