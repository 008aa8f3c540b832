//! Codes in reports that are neither holds nor brakes: what becomes of a line that was
//! asked about or sent, and what only a validation finds. As stable as the others.

use crate::HoldCode;
use crate::brake::BrakeCode;

macro_rules! report_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $cause:literal, $fix:literal, $example:literal;)*) => {
        /// A stable code of a line or of a finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ReportCode { $($(#[$doc])* $variant,)* }

        impl ReportCode {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [ReportCode] = &[$(ReportCode::$variant,)*];

            /// As it stands in reports (`approval-needed`).
            pub fn as_str(self) -> &'static str {
                match self { $(ReportCode::$variant => $code,)* }
            }

            /// What happened, in general.
            pub fn cause(self) -> &'static str {
                match self { $(ReportCode::$variant => $cause,)* }
            }

            /// What a person does about it.
            pub fn fix(self) -> &'static str {
                match self { $(ReportCode::$variant => $fix,)* }
            }

            /// A case in which the code is given.
            pub fn example(self) -> &'static str {
                match self { $(ReportCode::$variant => $example,)* }
            }
        }
    };
}

report_codes! {
    /// It waits for a person.
    ApprovalNeeded = "approval-needed",
        "The change is over a limit of the rules and waits for a person.",
        "See `psa-host approval list`, then `psa-host approval approve` or `psa-host approval reject`; the next sync posts what was approved.",
        "The rules ask above 25 units, and the count went from 5 to 40.";
    /// It waits for a person, with all others of new accounts.
    NewAccount = "new-account",
        "The account is new: nothing of it was ever posted or found right. All changes of a connection's new accounts wait as one question.",
        "Look at the sums and the lines with `psa-host approval list`, then answer them all with `psa-host approval approve --new-accounts NAME`, those of one account with `--account`, or one line by its id; the next sync posts what was approved.",
        "200 customers were mapped this morning; the first sync asks once for all of them.";
    /// An upgrade gave the connection limits.
    LimitsAdded = "limits-added",
        "This version asks before large changes and stops at sums that look wrong. The connection had no such limits, and has those of a new connection now.",
        "Look at them with `psa-host rules show`, and change them with `psa-host rules set` where they do not fit.",
        "The connection posted whatever was counted; it asks now when a customer falls by more than a fifth and more than 5 units.";
    /// The PSA said no.
    Rejected = "rejected",
        "The PSA refused the adjustment; its words are in the message. Nothing was changed.",
        "Correct what the PSA objects to, then sync again.",
        "Autotask answers that the contract's period has been posted since it was read.";
    /// Accepted, and not looked at yet.
    NotReadBack = "not-read-back",
        "The PSA accepted the adjustment, and the run ended before its line was read back.",
        "Sync once more after the quarantine (ten minutes, unless the plugin says longer): it reads the line back. Send nothing by hand.",
        "The machine was switched off right after the answer came.";
    /// A person or a rule leaves it at other units.
    LeftAsItIs = "left-as-it-is",
        "The line keeps units other than its count, because a person pinned or adopted them, a rollback was taken, or a rule leaves such workspaces alone.",
        "Nothing, if that is still meant; else give the line back to its count with `psa-host line release`, or change the rule with `psa-host rules set`.",
        "A rollback was approved in March and its lines were pinned; the customer has 12 devices since, and pays for 9.";
    /// Nobody knows yet whether it took effect.
    NoClearAnswer = "no-clear-answer",
        "The adjustment was sent and no certain answer came. It is never sent again blindly.",
        "Sync once more after the quarantine: it reads the line before anything is sent again.",
        "The network was lost between the request and its answer.";
    /// The line shows that it did not take effect.
    NotApplied = "not-applied",
        "The adjustment was sent, and its line shows after the quarantine that it did not take effect.",
        "Sync once more: the pair is planned anew.",
        "The request was lost on its way; ten minutes later the line still has 5 units.";
    /// Its process died.
    RunKilled = "run-killed",
        "The run's process ended before the run did: it was killed, or the machine lost its power.",
        "Sync again: what may have left is read before anything is sent. `psa-host run show` says what is in doubt.",
        "The machine was switched off while a run posted; the next sync finds the run open and closes it.";
    /// Nobody waited for it any more.
    RunAbandoned = "run-abandoned",
        "The program gave the run up in the middle: nobody waited for it any more.",
        "Sync again: what may have left is read before anything is sent. `psa-host run show` says what is in doubt.",
        "A program that has psa-host as a part stopped waiting after a time of its own.";
    /// The program itself broke.
    RunFailed = "run-failed",
        "The run broke off by an error of this program.",
        "Tell its authors. Sync again: what may have left is read before anything is sent.",
        "A part of the program met a case that its authors had ruled out.";
    /// Nothing of a kind is mapped.
    SetupRequired = "setup-required",
        "No workspace, or no module, of the connection is mapped, or all of them are excluded; or every connection is paused: nothing can be posted.",
        "Map them with `psa-host map suggest`, `psa-host map import`, or one by one; take them up again with `psa-host map restore`, or `psa-host connection resume`.",
        "The connection was added this morning, and nobody has mapped a customer yet.";
    /// In use and mapped to no account.
    WorkspaceUnmapped = "workspace-unmapped",
        "A workspace of a paid subscription is in use and not mapped to an account: nobody bills it.",
        "Map it with `psa-host map account`, or set it aside with `psa-host map set-aside`.",
        "A new customer's workspace has 8 devices, and no company is mapped to it.";
    /// In use and mapped to no service.
    ModuleUnmapped = "module-unmapped",
        "A module is in use and not mapped to a service: nobody bills it.",
        "Map it with `psa-host map service`.",
        "Two customers began to use MDM, which the connection does not sell yet.";
    /// Perhaps another customer.
    AccountRenamed = "account-renamed",
        "A mapped account is called otherwise than when it was mapped: it may be another customer now.",
        "If it is still the right one, map it again with `psa-host map account`.",
        "Company 4711 was \"Cedar Dental\" when it was mapped, and is \"Birch Dental\" now.";
    /// Perhaps another service.
    ServiceRenamed = "service-renamed",
        "A mapped service is called otherwise than when it was mapped: it may be another one now.",
        "If it is still the right one, map it again with `psa-host map service`.",
        "Service 15 was \"Coro EDR\" when it was mapped, and is \"Coro Essentials\" now.";
    /// Nobody has said what a bundle holds.
    BundleUndeclared = "bundle-undeclared",
        "A module calls itself a bundle, and nobody has declared which modules it holds: a customer could pay for both.",
        "Declare what it holds with `psa-host map bundle`.",
        "Module essentials-bundle is mapped, and so is edr, which may be in it.";
    /// A contract ends soon.
    ContractExpiring = "contract-expiring",
        "A contract ends within 60, 30 or 7 days, and no active contract with its mapped services follows it, or that is not known.",
        "Renew it in the PSA, with a line of each service, or its pairs are held from the day after.",
        "The contract ends on 31 December; the next one has no line for Endpoint Security.";
}

/// A code of any kind. There is no other way to one, so each is on the page of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnyCode(&'static str);

impl AnyCode {
    /// As it stands in reports.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl From<HoldCode> for AnyCode {
    fn from(code: HoldCode) -> Self {
        Self(code.as_str())
    }
}

impl From<BrakeCode> for AnyCode {
    fn from(code: BrakeCode) -> Self {
        Self(code.as_str())
    }
}

impl From<ReportCode> for AnyCode {
    fn from(code: ReportCode) -> Self {
        Self(code.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_code_means_two_things() {
        let holds = HoldCode::ALL.iter().map(|code| code.as_str());
        let brakes = BrakeCode::ALL.iter().map(|code| code.as_str());
        let others = ReportCode::ALL.iter().map(|code| code.as_str());
        let all: Vec<&str> = holds.chain(brakes).chain(others).collect();
        let unique: BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(unique.len(), all.len());
    }
}
