//! The calls that read, as values, so that one place can repeat them.

use std::future::Future;

use jiff::civil::Date;
use psa_host_billing::LineKey;
use psa_host_sandbox::{CallError, CheckReport, Connector, Depth, LineBatches, List, Pages};

/// One call that reads, so that it can be repeated.
pub(super) trait Ask: Send {
    type Answer: Send;

    fn ask(
        &mut self,
        connector: &mut Connector,
    ) -> impl Future<Output = Result<Self::Answer, CallError>> + Send;
}

pub(super) struct Check(pub(super) Depth);

impl Ask for Check {
    type Answer = CheckReport;

    async fn ask(&mut self, connector: &mut Connector) -> Result<CheckReport, CallError> {
        connector.check(self.0).await
    }
}

/// The next page of a list; whether another follows.
pub(super) struct NextPage<'p, L: List>(pub(super) &'p mut Pages<L>);

impl<L: List + Send> Ask for NextPage<'_, L> {
    type Answer = bool;

    async fn ask(&mut self, connector: &mut Connector) -> Result<bool, CallError> {
        self.0.read_next(connector).await
    }
}

/// One more batch of chosen lines.
pub(super) struct Batch<'a> {
    pub(super) into: &'a mut LineBatches,
    pub(super) keys: &'a [LineKey],
    pub(super) start: Date,
}

impl Ask for Batch<'_> {
    type Answer = ();

    async fn ask(&mut self, connector: &mut Connector) -> Result<(), CallError> {
        self.into.read(connector, self.keys, self.start).await
    }
}
