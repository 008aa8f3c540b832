//! Asking for the lines of contracts.

use psa_connector_sdk::{Error, Host, invalid};

use crate::api::Api;
use crate::lines::{ContractLine, Kind, LineRow};
use crate::query::Condition;

/// Adds the lines of these contracts, at most `MOST_KEYS` of them.
pub(crate) fn lines_of_contracts(
    api: &mut Api,
    host: &dyn Host,
    kind: Kind,
    contracts: &[i64],
    lines: &mut Vec<ContractLine>,
) -> Result<(), Error> {
    let mut asked = contracts.to_vec();
    asked.sort_unstable();
    let conditions = [Condition::any_of("contractID", contracts)];
    api.query_all::<LineRow>(host, kind.lines(), &conditions, |row| {
        let line = row.into_line(kind)?;
        if asked.binary_search(&line.key.contract).is_err() {
            return Err(unasked(kind.lines().name, line.key.line));
        }
        lines.push(line);
        Ok(())
    })?;
    Ok(())
}

pub(crate) fn unasked(entity: &str, id: i64) -> Error {
    invalid(format!(
        "reading {entity}: row {id} came although the filter leaves it out"
    ))
}
