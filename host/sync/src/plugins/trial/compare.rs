//! One connection's trial: both files read and plan, and what differs is read again.

use jiff::civil::Date;
use psa_host_billing::effective::local_day;
use psa_host_billing::trial::{TrialDifference, Tried, in_both};
use psa_host_billing::{ConnectionName, ErrorCode};
use psa_host_ledger::LedgerError;

use super::{ConnectionTrial, Files, TrialOutcome};
use crate::check::incident;
use crate::error::rule;
use crate::mapping::zone_of;
use crate::wiring::OnTrial;
use crate::{Access, Error, OpenConnection, Result};

/// What the file in use gave to compare with.
enum Before {
    File(Box<OpenConnection>, Tried),
    Ledger(Tried),
}

impl Access {
    /// One connection, beside no other run of its tenant.
    pub(super) async fn try_for(
        &self,
        name: &ConnectionName,
        files: &Files<'_>,
    ) -> Result<ConnectionTrial> {
        let connection = self.connection(name)?;
        let mut trial = ConnectionTrial {
            connection: name.clone(),
            outcome: TrialOutcome::Same,
            compared_with: "file".into(),
            problem: None,
            differences: Vec::new(),
            contracts: 0,
            lines: 0,
            pairs: 0,
            requests: 0,
            incidents: Vec::new(),
        };
        let _lock = match &connection.tenant {
            Some(tenant) => {
                self.refuse_open_adjustments(name, tenant)?;
                match self
                    .ledger()
                    .tenant_lock(tenant, &format!("trial for {name}"))
                {
                    Ok(lock) => Some(lock),
                    Err(error @ LedgerError::TenantBusy { .. }) => {
                        trial.stays(TrialOutcome::Untried, &error.into());
                        return Ok(trial);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            None => None,
        };
        let as_of = local_day(self.now(), &zone_of(&connection)?);
        let before = match self.before(name, files, as_of, &mut trial).await {
            Ok(before) => before,
            Err(error) if not_now(&error) => {
                trial.stays(TrialOutcome::Untried, &error);
                return Ok(trial);
            }
            Err(error) => return Err(error),
        };
        self.compare(name, files.candidate, as_of, before, &mut trial)
            .await?;
        Ok(trial)
    }

    /// The file in use, run the same way; where it cannot be, what is known.
    async fn before(
        &self,
        name: &ConnectionName,
        files: &Files<'_>,
        as_of: Date,
        trial: &mut ConnectionTrial,
    ) -> Result<Before> {
        let (sha256, hosts) = &files.in_use;
        let file = OnTrial {
            sha256,
            hosts,
            keep_refusal: !files.back,
        };
        let read = match self.open_on_trial(name, file).await {
            Ok(open) => {
                let read = self.try_reading(&open, as_of).await;
                read.map(|tried| (open, tried))
            }
            Err(error) => Err(error),
        };
        match read {
            Ok((open, tried)) => Ok(Before::File(Box::new(open), tried)),
            Err(error) if is_of_this_machine(&error) => Err(error),
            Err(error)
                if not_now(&error)
                    && !(files.back && error.code() == ErrorCode::Authentication) =>
            {
                Err(error)
            }
            // Its own fault, or nobody set it up: all the more reason for another file.
            Err(_) => {
                trial.compared_with = "ledger".into();
                Ok(Before::Ledger(self.known_of(name)?))
            }
        }
    }

    /// Tenant key, line ids, contracts and last known units.
    fn known_of(&self, name: &ConnectionName) -> Result<Tried> {
        let connection = self.connection(name)?;
        let mut known = Tried::at(connection.tenant.clone());
        let Some(tenant) = &connection.tenant else {
            return Ok(known);
        };
        for line in self.ledger().lines(tenant)? {
            if let (Some(owner), Some(units)) = (&line.connection, line.units)
                && owner == name
            {
                known.known(&line.key, units);
            }
        }
        Ok(known)
    }

    async fn compare(
        &self,
        name: &ConnectionName,
        (sha256, hosts): (&str, &[String]),
        as_of: Date,
        before: Before,
        trial: &mut ConnectionTrial,
    ) -> Result<()> {
        let let_in = matches!(before, Before::File(..));
        let file = OnTrial {
            sha256,
            hosts,
            keep_refusal: !let_in,
        };
        let open = match self.open_on_trial(name, file).await {
            Ok(open) => open,
            Err(error) => return trial.failed(&error, let_in),
        };
        let compared = self.both(&open, as_of, before, trial).await;
        trial.requests += open.session.requests().total;
        trial.incidents = open.session.incidents().iter().map(incident).collect();
        if trial.wrote() {
            trial.differences.clear();
            trial.stays(TrialOutcome::Refused, &wrote(name, sha256));
            return Ok(());
        }
        match compared {
            Ok(()) => Ok(()),
            Err(error) => trial.failed(&error, let_in),
        }
    }

    /// A difference is read again with both before it counts.
    async fn both(
        &self,
        open: &OpenConnection,
        as_of: Date,
        before: Before,
        trial: &mut ConnectionTrial,
    ) -> Result<()> {
        let after = self.try_reading(open, as_of).await?;
        (trial.contracts, trial.lines, trial.pairs) = after.counts();
        match before {
            Before::Ledger(known) => {
                let first = known.differences_from_known(&after);
                if !first.is_empty() {
                    let after = self.try_reading(open, as_of).await?;
                    trial.differences = in_both(&first, known.differences_from_known(&after));
                }
            }
            Before::File(file, before) => {
                let first = before.differences(&after);
                if !first.is_empty() {
                    let before = self.try_reading(&file, as_of).await?;
                    let after = self.try_reading(open, as_of).await?;
                    trial.differences = in_both(&first, before.differences(&after));
                }
                trial.requests += file.session.requests().total;
            }
        }
        if !trial.differences.is_empty() {
            trial.outcome = TrialOutcome::Differs;
        }
        Ok(())
    }

    fn refuse_open_adjustments(
        &self,
        name: &ConnectionName,
        tenant: &psa_host_billing::TenantKey,
    ) -> Result<()> {
        let mut open = 0;
        for intent in self.ledger().open_intents(tenant)? {
            let run = self.ledger().run(intent.run)?;
            open += u64::from(run.connection == *name);
        }
        if open == 0 {
            return Ok(());
        }
        Err(LedgerError::OpenIntents {
            connection: name.to_string(),
            open,
        }
        .into())
    }
}

impl ConnectionTrial {
    /// The candidate could not be run to its end.
    fn failed(&mut self, error: &Error, let_in: bool) -> Result<()> {
        match error.code() {
            // A file that asks for more than is set can be given it only once it is in use,
            // and does nothing until then.
            code @ (ErrorCode::SettingMissing
            | ErrorCode::SettingInvalid
            | ErrorCode::HostNotGranted) => {
                self.outcome = TrialOutcome::Differs;
                self.differences = vec![TrialDifference {
                    part: "setup".to_owned(),
                    account: None,
                    subject: code.to_string(),
                    before: None,
                    after: Some(format!("not tried: {error}")),
                }];
            }
            ErrorCode::Authentication if let_in => self.stays(TrialOutcome::Refused, error),
            _ if not_now(error) => self.stays(TrialOutcome::Untried, error),
            _ => self.stays(TrialOutcome::Refused, error),
        }
        Ok(())
    }
}

/// Nothing is said about the file: the PSA, its credentials or the budget are in the way.
fn not_now(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::Authentication
            | ErrorCode::Transient
            | ErrorCode::RateLimited
            | ErrorCode::BudgetParked
            | ErrorCode::TenantBusy
    )
}

/// The database, or the key of the secrets: nothing can be done before that is right.
fn is_of_this_machine(error: &Error) -> bool {
    matches!(error, Error::Ledger(_) | Error::Sandbox(_))
}

fn wrote(name: &ConnectionName, sha256: &str) -> Error {
    rule(
        ErrorCode::TrialWrite,
        format!("the file {sha256:.12} tried to write to the PSA of {name} while it was tried"),
        "Nothing was sent. A connector writes in an adjustment only: do not use this file before \
         its author explains.",
    )
}
