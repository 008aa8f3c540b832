//! The codes of holds: one row for each, with all that is said of it.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! hold_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $cause:literal, $fix:literal, $example:literal;)*) => {
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

            /// A case in which the code is given, in numbers as a billing clerk would meet
            /// them: for the page of hold codes.
            pub fn example(self) -> &'static str {
                match self { $(HoldCode::$variant => $example,)* }
            }
        }
    };
}

hold_codes! {
    /// The account's contracts cannot be read.
    AccountUnreadable = "account-unreadable",
        "The account's contracts could not be read from the PSA; other accounts could.",
        "See the message. Open the account's contracts in the PSA, then sync again.",
        "Autotask answers with an error for one company's contracts; the other 199 companies are posted.";
    /// The account is not in the PSA's list.
    AccountMissing = "account-missing",
        "The mapped account is not among the accounts that the PSA lists.",
        "Map the workspace to the right account, or give the API user permission to see it.",
        "Workspace ws-17 is mapped to company 4711, which was merged into another and deleted.";
    /// The PSA calls the account inactive.
    AccountInactive = "account-inactive",
        "The mapped account is inactive in the PSA, or the PSA does not say that it is active.",
        "Activate the account in the PSA, or map the workspace to another one.",
        "Company 4711 was set inactive when its customer left; its workspace still reports 12 devices.";
    /// The service is not in the PSA's list.
    ServiceMissing = "service-missing",
        "The mapped service is not among the services that the PSA lists.",
        "Map the module to the right service, or give the API user permission to see it.",
        "Module edr is mapped to service 15, which the API user may no longer see.";
    /// The PSA calls the service inactive.
    ServiceInactive = "service-inactive",
        "The mapped service is inactive in the PSA, or the PSA does not say that it is active.",
        "Activate the service in the PSA, or map the module to another one.",
        "Service 15 was replaced by a new price list and set inactive; edr is still mapped to it.";
    /// The account has no recurring contract at all.
    NoContract = "no-contract",
        "The account has no recurring contract in the PSA.",
        "Make a recurring contract with one line for each mapped service.",
        "A new customer uses 8 devices, and sales have not made its contract yet.";
    /// The contracts have ended.
    ContractExpired = "contract-expired",
        "The account's recurring contract ended before the effective date.",
        "Renew or extend the contract in the PSA.",
        "The contract ended on 31 October; on 23 November nothing follows it.";
    /// The contracts begin later.
    ContractNotStarted = "contract-not-started",
        "The account's recurring contract starts after the effective date.",
        "Wait for its start, or correct the start date in the PSA.",
        "The contract starts on 1 December; on 23 November it cannot be posted to.";
    /// The contract ends before the change would hold.
    ContractEndsFirst = "contract-ends-first",
        "Changes hold from the next billing period, and the contract ends before it.",
        "Renew the contract in the PSA with a line for the service: the change is then posted to the contract that follows, from its first day. To change the last period too, set `psa-host rules set --effective today`.",
        "Changes hold from the next month; the contract ends on 31 December, and on 10 December nothing follows it.";
    /// Two contracts could take it.
    SeveralContracts = "several-contracts",
        "More than one contract of the account covers the date and has the service.",
        "Choose one with `psa-host map contract`, or end the other in the PSA.",
        "A running contract and its early renewal both cover today and both sell service 15.";
    /// The contract is not in use.
    ContractInactive = "contract-inactive",
        "The only contract with the service is not active, or its status is not known.",
        "Activate the contract in the PSA (an inactive one may go on billing), or move the service to an active one.",
        "The only contract with the service has status Cancelled, although its dates go on.";
    /// Not certain that the contract bills units.
    ContractKindUnconfirmed = "contract-kind-unconfirmed",
        "The PSA's own lists do not confirm that the contract is a recurring one.",
        "See the note of the contract with `psa-host contract list`. If it is the right one, say so with `psa-host map contract`; else correct its type in the PSA.",
        "The tenant's list of contract types calls type 7 \"Retainer\", not Recurring Service.";
    /// The pinned contract cannot be used.
    PinnedContractUnusable = "pinned-contract-unusable",
        "The contract chosen for the workspace is gone, of another account, or does not cover the effective date, and no contract that follows it does. (One that follows is used, and the report says so.)",
        "Choose another with `psa-host map contract`, or remove the choice with `psa-host map remove`.",
        "Contract 900 was chosen with `map contract`; it has ended, and two contracts could follow it.";
    /// The contract does not sell the service.
    LineMissing = "line-missing",
        "No contract that covers the date has a line for the mapped service.",
        "Add the service to the contract in the PSA. psa-host never adds lines.",
        "The customer uses MDM, and its contract has no line for it.";
    /// The service twice on one contract.
    DuplicateLine = "duplicate-line",
        "The same service stands twice on the contract.",
        "Leave one line for the service on the contract, or give the other a service of its own.",
        "The contract has Endpoint Security twice, with 10 and with 5 units.";
    /// The line is another connection's.
    LineTaken = "line-taken",
        "The line is already posted to by another connection.",
        "Remove the mapping in one of the two connections.",
        "Two connections to one Autotask, for two channels, lead to the same contract line.";
    /// Rows of the PSA leave a hole.
    UnitsUnreadable = "units-unreadable",
        "The PSA's units for the line are incomplete or contradict one another. A missing row is never read as zero.",
        "Open the contract in the PSA and repair the line's units, or ask the PSA's support.",
        "There is a row of units for November and one for January, and none for December.";
    /// The line has no units on that day.
    NoUnitsAtDate = "no-units-at-date",
        "The line has no units on the effective date.",
        "Check the line's dates on the contract in the PSA.",
        "The line was added with a start on 1 December; on 23 November it has no units.";
    /// The PSA cannot take this number.
    UnitsNotPostable = "units-not-postable",
        "The count, or the change to reach it, is not a number that the PSA can take.",
        "Check the usage of the workspace, and the line's units in the PSA.",
        "A person set the line to 2.5 units; from there no whole change leads to 3.";
    /// No customer is so large.
    CountImplausible = "count-implausible",
        "The count is over a million: a mistake of the source sooner than a customer of this size.",
        "Correct the source, import a new snapshot, and take the wrong one out with `psa-host usage withdraw`.",
        "The snapshot has 2,147,483,647 devices for a customer who had 12 yesterday.";
    /// Mapped, with a line, but not in the snapshot.
    UsageMissing = "usage-missing",
        "The snapshot is complete, but has no count for this workspace and module while the contract has a line for it.",
        "If the customer no longer uses the module, remove the line in the PSA; else find out why the source does not report it.",
        "Yesterday's snapshot had 12 devices for the pair, today's complete one does not have the pair.";
    /// In the source, but not read.
    UsageUnread = "usage-unread",
        "The source has a row for this workspace, or for this workspace and module, that could not be read. It is never taken for zero.",
        "Correct the row that the message names in the source, and import the usage again.",
        "Row 17 of the file says \"twelve\" where a number should be; --partial kept the others.";
    /// An exclusion that cannot be right.
    ExclusionTooLarge = "exclusion-too-large",
        "More users or devices are excluded from the count than were counted.",
        "See `psa-host count exclusions`, and take back what is no longer true with `psa-host count restore`.",
        "5 test phones are excluded, and the newest snapshot has only 3 devices of the pair.";
    /// The policy leads past the largest number.
    CountTooLarge = "count-too-large",
        "The count policy of the service makes a number of the count that is past any quantity.",
        "Correct the multiplier with `psa-host count set`.",
        "The multiplier was set to 10000000000000000000000000000 instead of 1.";
    /// One adjustment per line and date.
    DateAlreadyAdjusted = "date-already-adjusted",
        "The line has already been adjusted for this effective date, and the PSA takes one adjustment per line and date.",
        "Nothing to do: the next run with a later date posts it.",
        "The line went from 5 to 11 this morning; this afternoon the count is 12. Tomorrow's run posts it.";
    /// The line changed between plan and send.
    BaselineMoved = "baseline-moved",
        "The line's units changed in the PSA after they were planned from, just before sending.",
        "Nothing was sent. Run the sync again when the other change is done.",
        "Planned from 5 units; just before sending, the line has 7, because somebody is editing the contract.";
    /// Lines of several customers moved under a run.
    OtherWriter = "other-writer",
        "Lines of several customers changed in the PSA between this run's plan and its sending: another installation or program posts to the same tenant at the same time.",
        "One installation a tenant: stop the other one, compare the customers in the message with the PSA, and sync again.",
        "A copy of the data directory runs on the old server too: 12 of 197 lines had moved when this run read them again.";
    /// What it was planned from was changed.
    DecisionChanged = "decision-changed",
        "The mapping, a rule, an approval or another decision that the change was planned from was changed before it was sent.",
        "Nothing was sent for this line. Sync again: it is planned from what is decided now.",
        "While the run posted, somebody mapped the workspace to another company.";
    /// A line that was there before is there no more.
    LineVanished = "line-vanished",
        "A line that is known from before, or was read when planning, is not in the PSA's answer any more.",
        "Nothing more is sent. Look at the customer's contracts in the PSA before anything is added there: a line that is still there, and that the API user may not see, would be billed twice. Where it was really removed, add the service again if it is to be billed, or set the pair aside with `psa-host map set-aside --exclude`.",
        "Line 8001 had 12 units yesterday. Today the contract comes without it: removed, or hidden from the API user.";
    /// A duplicate appeared after posting.
    StrayLine = "stray-line",
        "After posting, the contract has another line of the same service that was not there before.",
        "Check the contract in the PSA: the adjustment may have made a new line. Remove it there.",
        "After posting, the contract shows a second line of the same service.";
    /// After posting the line is neither at target nor at baseline.
    UnexpectedUnits = "unexpected-units",
        "After an adjustment the line stands neither at its target nor where it was before.",
        "Compare the line in the PSA with the run, then `psa-host run resolve`.",
        "An adjustment from 5 to 11 was sent; the line now has 13, because a person added 2 as well.";
    /// Sent twice, and found not applied twice.
    NotAppliedTwice = "not-applied-twice",
        "The same change was sent twice, and each time the line was found without it.",
        "See in the PSA why the line does not take the change. Then settle the run named in the message with `psa-host run resolve RUN LINE not-applied`, and the next sync may send it once more; or make the change in the PSA, and the next sync finds it.",
        "5 → 11 was sent at nine and at ten o'clock, both times the gateway timed out, and the line still has 5.";
    /// The PSA said no, twice.
    RejectedTwice = "rejected-twice",
        "The PSA refused the same change of this line twice; its words are in the message. It is not sent again by itself.",
        "Correct what the PSA objects to, then let it be sent again with `psa-host line retry`; with another count it is sent without that.",
        "Autotask answered on Monday and on Tuesday that the date lies outside the contract.";
    /// An earlier doubtful adjustment is still open.
    OpenAdjustment = "open-adjustment",
        "An adjustment of this line has no certain outcome yet; its line is read once the PSA can no longer be working on it.",
        "Sync again after the quarantine (ten minutes, unless the plugin says longer), or use `psa-host sync --wait`: the line is read, and what is missing is sent.",
        "The connection broke while an adjustment was on its way; for ten minutes nothing is sent for its line.";
    /// The request never left.
    NotSent = "not-sent",
        "The adjustment could not be sent. Nothing left this machine.",
        "See the message, then sync again.",
        "The network was down before a byte had left.";
    /// The tenant's request budget is used up for now.
    RunParked = "run-parked",
        "The PSA's request limit is nearly used up, so the rest of the run waits.",
        "Sync again after the time in the message.",
        "Other tools used most of Autotask's 10,000 requests of the hour; the run goes on later.";
    /// Too many doubtful answers in a row.
    RunStopped = "run-stopped",
        "The PSA refused the API user, or several adjustments in a row had no certain outcome, so nothing more was sent.",
        "Look at the first adjustment that failed. Where the user was refused, correct its credentials or permissions (`psa-host connection check`); else check the PSA's status page. Then sync again.",
        "Three adjustments in a row got no certain answer: Autotask is probably down.";
    /// Somebody stopped the run.
    RunCancelled = "run-cancelled",
        "The run was stopped by a person or by the system. What was in flight was finished and read back; this adjustment was not sent.",
        "Sync again: it is planned anew.",
        "The server was restarted in the middle of a run: 40 of 200 lines were posted, 160 are left for the next.";
    /// A posted line that no mapping leads to.
    Orphan = "orphan",
        "This connection posted the line, and the mapping that it was posted for has gone or changed. Nothing changes its units any more, and the PSA goes on billing them.",
        "Set the line's units in the PSA by hand or end the line there; or map the pair again.",
        "Workspace ws-17 was mapped to another company; the line of the first one still has 12 units.";
    /// Mapped and posted, and out of the channel's tree.
    WorkspaceLeftChannel = "workspace-left-channel",
        "The workspace is mapped and is not below the connection's channel any more. No count of it is looked at, nothing changes its lines, and the PSA goes on billing them.",
        "If it belongs to the channel, correct its parent with `psa-host workspace import`. Else remove its mapping with `psa-host map remove`, and end its lines in the PSA or map it in a connection of its new channel.",
        "Workspace ws-17 was moved below another channel; the line of its company still has 12 units.";
    /// Midnight passed during the run.
    DateChanged = "date-changed",
        "The local date changed during the run, and this line was planned for the day before.",
        "Nothing was sent. Sync again: it is planned for the new date.",
        "The run began at 23:58 for the 23rd; at midnight 40 lines were left.";
    /// A person put it aside for a while.
    SetAside = "set-aside",
        "A person set this workspace or module aside, for the reason in the message.",
        "Nothing to do until the date named; `psa-host map restore` takes it up again before.",
        "The customer pays by a flat rate until June: a person set its workspace aside until 30 June.";
    /// Its workspace is not billed.
    NotBilled = "not-billed",
        "The workspace is not billed by the life-cycle rules (a trial, a demo, not for resale, ended), and its line still has units.",
        "Bring the line to zero in the PSA, or set what is done with such workspaces with `psa-host rules set`.",
        "The workspace is on trial and has 12 devices; somebody already put 12 units on its contract.";
    /// Nothing is used any more.
    FallToZero = "fall-to-zero",
        "The count, or what the count policy makes of it, fell to zero while the line has units.",
        "If the customer really uses nothing, bring the line to zero in the PSA or allow it with `psa-host rules set NAME --zero post`.",
        "All 40 devices disappeared overnight: the customer left, or its agents stopped reporting.";
    /// A person changed the units.
    ForeignEdit = "foreign-edit",
        "The line's units differ from what was last confirmed or found right: somebody changed them in the PSA.",
        "Decide with `psa-host line adopt` (right until the count changes), `overwrite` (the count is right) or `pin` (leave it alone).",
        "psa-host confirmed 11 units; today the line has 4, and the count is 12.";
    /// Another change is coming.
    FutureChange = "future-change",
        "The PSA has a change of the line's units on a later date. A change now would be added to it.",
        "Wait until its date has passed, or, if it is not psa-host's own (the message says so), remove it in the PSA.",
        "The line has 5 units now and 7 from 1 December; +6 today would make them 11 and 13.";
    /// Perhaps on an invoice already.
    PostedUnknown = "posted-unknown",
        "The PSA does not say whether a period concerned is already approved and posted.",
        "Give the API user permission to see it, or change the units in the PSA by hand.",
        "The API user cannot read whether November has been approved and posted.";
    /// What is invoiced cannot be told.
    InvoicingUnknown = "invoicing-unknown",
        "The PSA does not say through which day the contract is invoiced, or when its next invoice is made. Which invoice would bill the change is then not known.",
        "Give the API user permission to see the contract's invoices, or let the contract be invoiced automatically; where the PSA takes no date with a change, `psa-host rules set NAME --effective today` sends it at once, whatever the next invoice bills.",
        "Changes hold from the next period, and the API user may not see when the agreement is invoiced next.";
    /// The policy cannot be kept with this PSA.
    PolicyNotPossible = "policy-not-possible",
        "The connection's rule for the effective date asks for something that the PSA cannot do.",
        "Choose another with `psa-host rules set NAME --effective today` or `--effective next-period`.",
        "The rule is period-start, and a new version of the plugin says that the PSA changes units from the moment they are sent.";
    /// The PSA sets the quantity itself.
    LineNotWritable = "line-not-writable",
        "The PSA does not let the line's quantity be set from outside, or would overwrite it, for the reason in the message.",
        "Give the line a quantity of its own in the PSA; or leave the line to the PSA and set the pair aside with `psa-host map set-aside --exclude`.",
        "The PSA counts the users of the line by itself each night; 12 units set from outside would be gone tomorrow.";
    /// The customer does not pay for it.
    LineNotBillable = "line-not-billable",
        "The PSA does not invoice the customer for this line, whatever its units are.",
        "Make the line billable in the PSA; or, if the customer is not to pay, set the pair aside with `psa-host map set-aside --exclude`.",
        "The addition is marked \"do not bill\", and the customer uses 12 devices.";
    /// Nothing is left to change.
    AllPosted = "all-posted",
        "Every period of the line from the effective date on is already approved and posted.",
        "Renew the contract, or bill the difference by hand.",
        "The contract ends with December, and December has been approved and posted in advance.";
    /// The billing period cannot be told.
    PeriodUnknown = "period-unknown",
        "A rule needs the contract's billing period, and the PSA does not say it or its units contradict it.",
        "Set the contract's billing period in the PSA, or use `psa-host rules set NAME --effective today`.",
        "Policy next-period, and the contract's billing period has a label of the MSP's own.";
    /// A bundle and its part.
    BundleAndPart = "bundle-and-part",
        "The customer uses or pays for a bundle and for a module in it: the module would be paid twice. Customers with only one of the two are billed.",
        "Leave one of the two for this customer: bring the other's line to zero in the PSA, and set its use aside with `psa-host map set-aside --exclude`.",
        "The customer has 20 devices on bundle \"Coro Essentials\", and its old line for EDR, which is in the bundle, still has 20 units.";
    /// What a rollback would take back is not there any more.
    RollbackOvertaken = "rollback-overtaken",
        "The line's units are no longer those that a rollback would take back: they were changed after it was asked for.",
        "Reject the rollback named in the message with `psa-host approval reject`; the line is then planned by its count, or left as was decided before. Or bring the units back in the PSA.",
        "A rollback from 11 to 5 units was asked for; before the next run somebody made 13 of them.";
    /// A person said no.
    ApprovalRejected = "approval-rejected",
        "A person rejected exactly this change.",
        "Nothing to do: with other units it is asked anew. To ask again now, use `psa-host approval reopen`.",
        "A person rejected 5 → 500 as a wrong count; with 5 → 6 it is posted again.";
}

impl HoldCode {
    /// Whether no later run posts the change as it stands: the line, the count or a person
    /// stands against it for good. Such changes are in no total of money.
    pub fn is_for_good(self) -> bool {
        matches!(
            self,
            Self::LineTaken
                | Self::LineNotWritable
                | Self::LineNotBillable
                | Self::AllPosted
                | Self::NotBilled
                | Self::Orphan
                | Self::WorkspaceLeftChannel
                | Self::CountImplausible
                | Self::CountTooLarge
                | Self::UnitsNotPostable
                | Self::ApprovalRejected
        )
    }
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
