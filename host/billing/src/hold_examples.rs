//! One example for each hold code, for the page of hold codes: numbers as a billing
//! clerk would meet them.

use crate::HoldCode;

impl HoldCode {
    /// A case in which the code is given.
    pub fn example(self) -> &'static str {
        match self {
            Self::AccountUnreadable => {
                "Autotask answers with an error for one company's contracts; the other 199 companies are posted."
            }
            Self::AccountMissing => {
                "Workspace ws-17 is mapped to company 4711, which was merged into another and deleted."
            }
            Self::AccountInactive => {
                "Company 4711 was set inactive when its customer left; its workspace still reports 12 devices."
            }
            Self::ServiceMissing => {
                "Module edr is mapped to service 15, which the API user may no longer see."
            }
            Self::ServiceInactive => {
                "Service 15 was replaced by a new price list and set inactive; edr is still mapped to it."
            }
            Self::NoContract => {
                "A new customer uses 8 devices, and sales have not made its contract yet."
            }
            Self::ContractExpired => {
                "The contract ended on 31 October; on 23 November nothing follows it."
            }
            Self::ContractNotStarted => {
                "The contract starts on 1 December; on 23 November it cannot be posted to."
            }
            Self::ContractEndsFirst => {
                "Changes hold from the next month; the contract ends on 31 December, and on 10 December nothing follows it."
            }
            Self::SeveralContracts => {
                "A running contract and its early renewal both cover today and both sell service 15."
            }
            Self::ContractInactive => {
                "The only contract with the service has status Cancelled, although its dates go on."
            }
            Self::ContractKindUnconfirmed => {
                "The tenant's list of contract types calls type 7 \"Retainer\", not Recurring Service."
            }
            Self::PinnedContractUnusable => {
                "Contract 900 was chosen with `map contract`; it has ended, and two contracts could follow it."
            }
            Self::OtherWriter => {
                "A copy of the data directory runs on the old server too: 12 of 197 lines had moved when this run read them again."
            }
            Self::DecisionChanged => {
                "While the run posted, somebody mapped the workspace to another company."
            }
            Self::RejectedTwice => {
                "Autotask answered on Monday and on Tuesday that the date lies outside the contract."
            }
            Self::RunCancelled => {
                "The server was restarted in the middle of a run: 40 of 200 lines were posted, 160 are left for the next."
            }
            Self::LineMissing => "The customer uses MDM, and its contract has no line for it.",
            Self::DuplicateLine => {
                "The contract has Endpoint Security twice, with 10 and with 5 units."
            }
            Self::LineTaken => {
                "Two connections to one Autotask, for two channels, lead to the same contract line."
            }
            Self::UnitsUnreadable => {
                "There is a row of units for November and one for January, and none for December."
            }
            Self::NoUnitsAtDate => {
                "The line was added with a start on 1 December; on 23 November it has no units."
            }
            Self::UnitsNotPostable => {
                "A person set the line to 2.5 units; from there no whole change leads to 3."
            }
            Self::UsageMissing => {
                "Yesterday's snapshot had 12 devices for the pair, today's complete one does not have the pair."
            }
            Self::UsageUnread => {
                "Row 17 of the file says \"twelve\" where a number should be; --partial kept the others."
            }
            Self::ExclusionTooLarge => {
                "5 test phones are excluded, and the newest snapshot has only 3 devices of the pair."
            }
            Self::CountImplausible => {
                "The snapshot has 2,147,483,647 devices for a customer who had 12 yesterday."
            }
            Self::CountTooLarge => {
                "The multiplier was set to 10000000000000000000000000000 instead of 1."
            }
            Self::DateAlreadyAdjusted => {
                "The line went from 5 to 11 this morning; this afternoon the count is 12. Tomorrow's run posts it."
            }
            Self::BaselineMoved => {
                "Planned from 5 units; just before sending, the line has 7, because somebody is editing the contract."
            }
            Self::LineVanished => {
                "Line 8001 had 12 units yesterday. Today the contract comes without it: removed, or hidden from the API user."
            }
            Self::StrayLine => {
                "After posting, the contract shows a second line of the same service."
            }
            Self::UnexpectedUnits => {
                "An adjustment from 5 to 11 was sent; the line now has 13, because a person added 2 as well."
            }
            Self::NotAppliedTwice => {
                "5 → 11 was sent at nine and at ten o'clock, both times the gateway timed out, and the line still has 5."
            }
            Self::OpenAdjustment => {
                "The connection broke while an adjustment was on its way; for ten minutes nothing is sent for its line."
            }
            Self::NotSent => "The network was down before a byte had left.",
            Self::RunParked => {
                "Other tools used most of Autotask's 10,000 requests of the hour; the run goes on later."
            }
            Self::RunStopped => {
                "Three adjustments in a row got no certain answer: Autotask is probably down."
            }
            Self::Orphan => {
                "Workspace ws-17 was mapped to another company; the line of the first one still has 12 units."
            }
            Self::SetAside => {
                "The customer pays by a flat rate until June: a person set its workspace aside until 30 June."
            }
            Self::WorkspaceLeftChannel => {
                "Workspace ws-17 was moved below another channel; the line of its company still has 12 units."
            }
            Self::DateChanged => {
                "The run began at 23:58 for the 23rd; at midnight 40 lines were left."
            }
            Self::NotBilled => {
                "The workspace is on trial and has 12 devices; somebody already put 12 units on its contract."
            }
            Self::FallToZero => {
                "All 40 devices disappeared overnight: the customer left, or its agents stopped reporting."
            }
            Self::ForeignEdit => {
                "psa-host confirmed 11 units; today the line has 4, and the count is 12."
            }
            Self::FutureChange => {
                "The line has 5 units now and 7 from 1 December; +6 today would make them 11 and 13."
            }
            Self::PostedUnknown => {
                "The API user cannot read whether November has been approved and posted."
            }
            Self::AllPosted => {
                "The contract ends with December, and December has been approved and posted in advance."
            }
            Self::InvoicingUnknown => {
                "Changes hold from the next period, and the API user may not see when the agreement is invoiced next."
            }
            Self::PolicyNotPossible => {
                "The rule is period-start, and a new version of the plugin says that the PSA changes units from the moment they are sent."
            }
            Self::LineNotWritable => {
                "The PSA counts the users of the line by itself each night; 12 units set from outside would be gone tomorrow."
            }
            Self::LineNotBillable => {
                "The addition is marked \"do not bill\", and the customer uses 12 devices."
            }
            Self::PeriodUnknown => {
                "Policy next-period, and the contract's billing period has a label of the MSP's own."
            }
            Self::BundleAndPart => {
                "The customer has 20 devices on bundle \"Coro Essentials\", and its old line for EDR, which is in the bundle, still has 20 units."
            }
            Self::RollbackOvertaken => {
                "A rollback from 11 to 5 units was asked for; before the next run somebody made 13 of them."
            }
            Self::ApprovalRejected => {
                "A person rejected 5 → 500 as a wrong count; with 5 → 6 it is posted again."
            }
        }
    }
}
