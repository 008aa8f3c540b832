//! Why a pair is not posted. Every hold has a stable code, a plain cause and a fix; the
//! codes are what scripts and the documentation go by, so they never change meaning.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Contract, ContractId, Line, LineId};

macro_rules! hold_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $cause:literal, $fix:literal;)*) => {
        /// A stable reason code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum HoldCode { $($(#[$doc])* $variant,)* }

        impl HoldCode {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [HoldCode] = &[$(HoldCode::$variant,)*];

            /// The code with this text.
            pub fn named(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }

            /// As it stands in reports (`no-contract`).
            pub fn as_str(self) -> &'static str {
                match self { $(HoldCode::$variant => $code,)* }
            }

            /// What happened, in general.
            pub fn cause(self) -> &'static str {
                match self { $(HoldCode::$variant => $cause,)* }
            }

            /// What a person does about it.
            pub fn fix(self) -> &'static str {
                match self { $(HoldCode::$variant => $fix,)* }
            }
        }
    };
}

hold_codes! {
    /// The account's contracts cannot be read.
    AccountUnreadable = "account-unreadable",
        "The account's contracts could not be read from the PSA; other accounts could.",
        "See the message. Open the account's contracts in the PSA, then sync again.";
    /// The account is not in the PSA's list.
    AccountMissing = "account-missing",
        "The mapped account is not among the accounts that the PSA lists.",
        "Map the workspace to the right account, or give the API user permission to see it.";
    /// The PSA calls the account inactive.
    AccountInactive = "account-inactive",
        "The mapped account is inactive in the PSA, or the PSA does not say that it is active.",
        "Activate the account in the PSA, or map the workspace to another one.";
    /// The service is not in the PSA's list.
    ServiceMissing = "service-missing",
        "The mapped service is not among the services that the PSA lists.",
        "Map the module to the right service, or give the API user permission to see it.";
    /// The PSA calls the service inactive.
    ServiceInactive = "service-inactive",
        "The mapped service is inactive in the PSA, or the PSA does not say that it is active.",
        "Activate the service in the PSA, or map the module to another one.";
    /// The account has no recurring contract at all.
    NoContract = "no-contract",
        "The account has no recurring contract in the PSA.",
        "Make a recurring contract with one line for each mapped service.";
    /// The contracts have ended.
    ContractExpired = "contract-expired",
        "The account's recurring contract ended before the effective date.",
        "Renew or extend the contract in the PSA.";
    /// The contracts begin later.
    ContractNotStarted = "contract-not-started",
        "The account's recurring contract starts after the effective date.",
        "Wait for its start, or correct the start date in the PSA.";
    /// The contract ends before the change would hold.
    ContractEndsFirst = "contract-ends-first",
        "Changes hold from the next billing period, and the contract ends before it.",
        "Renew the contract in the PSA with a line for the service: the change is then posted to the contract that follows, from its first day. To change the last period too, set `psa-host rules set --effective today`.";
    /// Two contracts could take it.
    SeveralContracts = "several-contracts",
        "More than one contract of the account covers the date and has the service.",
        "Choose one with `psa-host map contract`, or end the other in the PSA.";
    /// The contract is not in use.
    ContractInactive = "contract-inactive",
        "The only contract with the service is not active, or its status is not known.",
        "Activate the contract in the PSA (an inactive one may go on billing), or move the service to an active one.";
    /// Not certain that the contract bills units.
    ContractKindUnconfirmed = "contract-kind-unconfirmed",
        "The PSA's own lists do not confirm that the contract is a recurring one.",
        "See the note of the contract with `psa-host contract list`. If it is the right one, say so with `psa-host map contract`; else correct its type in the PSA.";
    /// The pinned contract cannot be used.
    PinnedContractUnusable = "pinned-contract-unusable",
        "The contract chosen for the workspace is gone, of another account, or does not cover the effective date, and no contract that follows it does. (One that follows is used, and the report says so.)",
        "Choose another with `psa-host map contract`, or remove the choice with `psa-host map remove`.";
    /// The contract does not sell the service.
    LineMissing = "line-missing",
        "No contract that covers the date has a line for the mapped service.",
        "Add the service to the contract in the PSA. psa-host never adds lines.";
    /// The service twice on one contract.
    DuplicateLine = "duplicate-line",
        "The same service stands twice on the contract.",
        "Leave one line for the service on the contract, or give the other a service of its own.";
    /// The line is another connection's.
    LineTaken = "line-taken",
        "The line is already posted to by another connection.",
        "Remove the mapping in one of the two connections.";
    /// Rows of the PSA leave a hole.
    UnitsUnreadable = "units-unreadable",
        "The PSA's units for the line are incomplete or contradict one another. A missing row is never read as zero.",
        "Open the contract in the PSA and repair the line's units, or ask the PSA's support.";
    /// The line has no units on that day.
    NoUnitsAtDate = "no-units-at-date",
        "The line has no units on the effective date.",
        "Check the line's dates on the contract in the PSA.";
    /// The PSA cannot take this number.
    UnitsNotPostable = "units-not-postable",
        "The count, or the change to reach it, is not a number that the PSA can take.",
        "Check the usage of the workspace, and the line's units in the PSA.";
    /// No customer is so large.
    CountImplausible = "count-implausible",
        "The count is over a million: a mistake of the source sooner than a customer of this size.",
        "Correct the source, import a new snapshot, and take the wrong one out with `psa-host usage withdraw`.";
    /// Mapped, with a line, but not in the snapshot.
    UsageMissing = "usage-missing",
        "The snapshot is complete, but has no count for this workspace and module while the contract has a line for it.",
        "If the customer no longer uses the module, remove the line in the PSA; else find out why the source does not report it.";
    /// In the source, but not read.
    UsageUnread = "usage-unread",
        "The source has a row for this workspace, or for this workspace and module, that could not be read. It is never taken for zero.",
        "Correct the row that the message names in the source, and import the usage again.";
    /// An exclusion that cannot be right.
    ExclusionTooLarge = "exclusion-too-large",
        "More users or devices are excluded from the count than were counted.",
        "See `psa-host count exclusions`, and take back what is no longer true with `psa-host count restore`.";
    /// The policy leads past the largest number.
    CountTooLarge = "count-too-large",
        "The count policy of the service makes a number of the count that is past any quantity.",
        "Correct the multiplier with `psa-host count set`.";
    /// One adjustment per line and date.
    DateAlreadyAdjusted = "date-already-adjusted",
        "The line has already been adjusted for this effective date, and the PSA takes one adjustment per line and date.",
        "Nothing to do: the next run with a later date posts it.";
    /// The line changed between plan and send.
    BaselineMoved = "baseline-moved",
        "The line's units changed in the PSA after they were planned from, just before sending.",
        "Nothing was sent. Run the sync again when the other change is done.";
    /// Lines of several customers moved under a run.
    OtherWriter = "other-writer",
        "Lines of several customers changed in the PSA between this run's plan and its sending: another installation or program posts to the same tenant at the same time.",
        "One installation a tenant: stop the other one, compare the customers in the message with the PSA, and sync again.";
    /// What it was planned from was changed.
    DecisionChanged = "decision-changed",
        "The mapping, a rule, an approval or another decision that the change was planned from was changed before it was sent.",
        "Nothing was sent for this line. Sync again: it is planned from what is decided now.";
    /// A line that was there before is there no more.
    LineVanished = "line-vanished",
        "A line that is known from before, or was read when planning, is not in the PSA's answer any more.",
        "Nothing more is sent. Look at the customer's contracts in the PSA before anything is added there: a line that is still there, and that the API user may not see, would be billed twice. Where it was really removed, add the service again if it is to be billed, or set the pair aside with `psa-host map set-aside --exclude`.";
    /// A duplicate appeared after posting.
    StrayLine = "stray-line",
        "After posting, the contract has another line of the same service that was not there before.",
        "Check the contract in the PSA: the adjustment may have made a new line. Remove it there.";
    /// After posting the line is neither at target nor at baseline.
    UnexpectedUnits = "unexpected-units",
        "After an adjustment the line stands neither at its target nor where it was before.",
        "Compare the line in the PSA with the run, then `psa-host run resolve`.";
    /// Sent twice, and found not applied twice.
    NotAppliedTwice = "not-applied-twice",
        "The same change was sent twice, and each time the line was found without it.",
        "See in the PSA why the line does not take the change. Then settle the run named in the message with `psa-host run resolve RUN LINE not-applied`, and the next sync may send it once more; or make the change in the PSA, and the next sync finds it.";
    /// The PSA said no, twice.
    RejectedTwice = "rejected-twice",
        "The PSA refused the same change of this line twice; its words are in the message. It is not sent again by itself.",
        "Correct what the PSA objects to, then let it be sent again with `psa-host line retry`; with another count it is sent without that.";
    /// An earlier doubtful adjustment is still open.
    OpenAdjustment = "open-adjustment",
        "An adjustment of this line has no certain outcome yet; its line is read once the PSA can no longer be working on it.",
        "Sync again after the quarantine (ten minutes, unless the plugin says longer), or use `psa-host sync --wait`: the line is read, and what is missing is sent.";
    /// The request never left.
    NotSent = "not-sent",
        "The adjustment could not be sent. Nothing left this machine.",
        "See the message, then sync again.";
    /// The tenant's request budget is used up for now.
    RunParked = "run-parked",
        "The PSA's request limit is nearly used up, so the rest of the run waits.",
        "Sync again after the time in the message.";
    /// Too many doubtful answers in a row.
    RunStopped = "run-stopped",
        "The PSA refused the API user, or several adjustments in a row had no certain outcome, so nothing more was sent.",
        "Look at the first adjustment that failed. Where the user was refused, correct its credentials or permissions (`psa-host connection check`); else check the PSA's status page. Then sync again.";
    /// Somebody stopped the run.
    RunCancelled = "run-cancelled",
        "The run was stopped by a person or by the system. What was in flight was finished and read back; this adjustment was not sent.",
        "Sync again: it is planned anew.";
    /// A posted line that no mapping leads to.
    Orphan = "orphan",
        "This connection posted the line, and the mapping that it was posted for has gone or changed. Nothing changes its units any more, and the PSA goes on billing them.",
        "Set the line's units in the PSA by hand or end the line there; or map the pair again.";
    /// Mapped and posted, and out of the channel's tree.
    WorkspaceLeftChannel = "workspace-left-channel",
        "The workspace is mapped and is not below the connection's channel any more. No count of it is looked at, nothing changes its lines, and the PSA goes on billing them.",
        "If it belongs to the channel, correct its parent with `psa-host workspace import`. Else remove its mapping with `psa-host map remove`, and end its lines in the PSA or map it in a connection of its new channel.";
    /// Midnight passed during the run.
    DateChanged = "date-changed",
        "The local date changed during the run, and this line was planned for the day before.",
        "Nothing was sent. Sync again: it is planned for the new date.";
    /// A person put it aside for a while.
    SetAside = "set-aside",
        "A person set this workspace or module aside, for the reason in the message.",
        "Nothing to do until the date named; `psa-host map restore` takes it up again before.";
    /// Its workspace is not billed.
    NotBilled = "not-billed",
        "The workspace is not billed by the life-cycle rules (a trial, a demo, not for resale, ended), and its line still has units.",
        "Bring the line to zero in the PSA, or set what is done with such workspaces with `psa-host rules set`.";
    /// Nothing is used any more.
    FallToZero = "fall-to-zero",
        "The count, or what the count policy makes of it, fell to zero while the line has units.",
        "If the customer really uses nothing, bring the line to zero in the PSA or allow it with `psa-host rules set NAME --zero post`.";
    /// A person changed the units.
    ForeignEdit = "foreign-edit",
        "The line's units differ from what was last confirmed or found right: somebody changed them in the PSA.",
        "Decide with `psa-host line adopt` (right until the count changes), `overwrite` (the count is right) or `pin` (leave it alone).";
    /// Another change is coming.
    FutureChange = "future-change",
        "The PSA has a change of the line's units on a later date. A change now would be added to it.",
        "Wait until its date has passed, or, if it is not psa-host's own (the message says so), remove it in the PSA.";
    /// Perhaps on an invoice already.
    PostedUnknown = "posted-unknown",
        "The PSA does not say whether a period concerned is already approved and posted.",
        "Give the API user permission to see it, or change the units in the PSA by hand.";
    /// What is invoiced cannot be told.
    InvoicingUnknown = "invoicing-unknown",
        "The PSA does not say through which day the contract is invoiced, or when its next invoice is made. Which invoice would bill the change is then not known.",
        "Give the API user permission to see the contract's invoices, or let the contract be invoiced automatically; where the PSA takes no date with a change, `psa-host rules set NAME --effective today` sends it at once, whatever the next invoice bills.";
    /// The policy cannot be kept with this PSA.
    PolicyNotPossible = "policy-not-possible",
        "The connection's rule for the effective date asks for something that the PSA cannot do.",
        "Choose another with `psa-host rules set NAME --effective today` or `--effective next-period`.";
    /// The PSA sets the quantity itself.
    LineNotWritable = "line-not-writable",
        "The PSA does not let the line's quantity be set from outside, or would overwrite it, for the reason in the message.",
        "Give the line a quantity of its own in the PSA; or leave the line to the PSA and set the pair aside with `psa-host map set-aside --exclude`.";
    /// The customer does not pay for it.
    LineNotBillable = "line-not-billable",
        "The PSA does not invoice the customer for this line, whatever its units are.",
        "Make the line billable in the PSA; or, if the customer is not to pay, set the pair aside with `psa-host map set-aside --exclude`.";
    /// Nothing is left to change.
    AllPosted = "all-posted",
        "Every period of the line from the effective date on is already approved and posted.",
        "Renew the contract, or bill the difference by hand.";
    /// The billing period cannot be told.
    PeriodUnknown = "period-unknown",
        "A rule needs the contract's billing period, and the PSA does not say it or its units contradict it.",
        "Set the contract's billing period in the PSA, or use `psa-host rules set NAME --effective today`.";
    /// A bundle and its part.
    BundleAndPart = "bundle-and-part",
        "The customer uses or pays for a bundle and for a module in it: the module would be paid twice. Customers with only one of the two are billed.",
        "Leave one of the two for this customer: bring the other's line to zero in the PSA, and set its use aside with `psa-host map set-aside --exclude`.";
    /// What a rollback would take back is not there any more.
    RollbackOvertaken = "rollback-overtaken",
        "The line's units are no longer those that a rollback would take back: they were changed after it was asked for.",
        "Reject the rollback named in the message with `psa-host approval reject`; the line is then planned by its count, or left as was decided before. Or bring the units back in the PSA.";
    /// A person said no.
    ApprovalRejected = "approval-rejected",
        "A person rejected exactly this change.",
        "Nothing to do: with other units it is asked anew. To ask again now, use `psa-host approval reopen`.";
}

impl fmt::Display for HoldCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for HoldCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for HoldCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::named(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no hold code")))
    }
}

/// A pair that is not posted, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The stable code.
    pub code: HoldCode,
    /// What happened, with the names of this case.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// https address of the record concerned, where one is known.
    pub link: Option<String>,
    /// The contract concerned, where it is one and the pair has no line on it.
    #[serde(default)]
    pub contract: Option<ContractId>,
    /// Its lines concerned.
    #[serde(default)]
    pub lines: Vec<LineId>,
}

impl Hold {
    /// A hold with the code's own fix.
    pub fn new(code: HoldCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fix: code.fix().to_owned(),
            link: None,
            contract: None,
            lines: Vec::new(),
        }
    }

    /// Point to a contract, and to lines of it.
    #[must_use]
    pub fn on<'a>(self, contract: &Contract, lines: impl Iterator<Item = &'a Line>) -> Self {
        Self {
            contract: Some(contract.id.clone()),
            lines: lines.map(|line| line.key.line.clone()).collect(),
            ..self.at(contract.link.as_ref())
        }
    }

    /// Point to a record.
    #[must_use]
    pub fn at(mut self, link: Option<&String>) -> Self {
        self.link = link.cloned();
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        let texts: BTreeSet<_> = HoldCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), HoldCode::ALL.len());
        for code in HoldCode::ALL {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(serde_json::from_str::<HoldCode>(&json).unwrap(), *code);
        }
    }
}
