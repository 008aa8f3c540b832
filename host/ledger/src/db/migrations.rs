//! The schema, step by step. A released step is never edited: a new one follows it.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

const LEDGER: &[M<'_>] = &[
    M::up(include_str!("migrations/01-begin.sql")).foreign_key_check(),
    M::up(include_str!("migrations/02-count-policy.sql")).foreign_key_check(),
    M::up(include_str!("migrations/03-set-aside.sql")),
    M::up(include_str!("migrations/04-usage-names.sql")).foreign_key_check(),
    M::up(include_str!("migrations/05-decisions.sql")).foreign_key_check(),
    M::up(include_str!("migrations/06-stance-before.sql")),
    M::up(include_str!("migrations/07-lines-seen.sql")).foreign_key_check(),
    M::up(include_str!("migrations/08-withdrawn-snapshots.sql")),
    M::up(include_str!("migrations/09-bundles.sql")).foreign_key_check(),
    M::up(include_str!("migrations/10-fewer-indexes.sql")),
    M::up(include_str!("migrations/11-accounts-of-lines.sql")),
    M::up(include_str!("migrations/12-known-accounts.sql")),
    M::up(include_str!("migrations/13-passed-changes.sql")).foreign_key_check(),
    M::up(include_str!("migrations/14-handed-out.sql")),
    M::up(include_str!("migrations/15-due-days.sql")),
    M::up(include_str!("migrations/16-plugin-files.sql")).foreign_key_check(),
    M::up(include_str!("migrations/17-tenant-claims.sql")).foreign_key_check(),
    M::up(include_str!("migrations/18-contract-of-seen.sql")),
    M::up(include_str!("migrations/19-run-leases.sql")),
    M::up(include_str!("migrations/20-history-chains.sql")),
    M::up(include_str!("migrations/21-run-cancel.sql")),
    M::up(include_str!("migrations/22-unread.sql")).foreign_key_check(),
    M::up(include_str!("migrations/23-contract-names.sql")),
    M::up(include_str!("migrations/24-schedules.sql")).foreign_key_check(),
    M::up(include_str!("migrations/25-api-tokens.sql")),
];
const BUDGET: &[M<'_>] = &[
    M::up(include_str!("migrations/budget-01-begin.sql")),
    M::up(include_str!("migrations/budget-02-limit.sql")),
];

/// Which of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    Ledger,
    Budget,
}

impl Schema {
    fn steps(self) -> &'static [M<'static>] {
        match self {
            Self::Ledger => LEDGER,
            Self::Budget => BUDGET,
        }
    }

    /// The version this release writes.
    pub(crate) fn newest(self) -> i64 {
        i64::try_from(self.steps().len()).unwrap_or(i64::MAX)
    }

    /// Marks the file as ours (`PRAGMA application_id`): "psaL" and "psaB".
    pub(crate) fn application_id(self) -> i64 {
        match self {
            Self::Ledger => 0x7073_614c,
            Self::Budget => 0x7073_6142,
        }
    }

    /// Bring a database up to date; each step in a transaction of its own.
    pub(crate) fn apply(self, connection: &mut Connection) -> rusqlite::Result<()> {
        Migrations::from_slice(self.steps())
            .to_latest(connection)
            .map_err(|error| match error {
                rusqlite_migration::Error::RusqliteError { err, .. } => err,
                other => rusqlite::Error::ToSqlConversionFailure(Box::new(other)),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Tx;

    #[test]
    fn both_schemas_build_from_nothing() {
        for schema in [Schema::Ledger, Schema::Budget] {
            let mut connection = Connection::open_in_memory().unwrap();
            schema.apply(&mut connection).unwrap();
            let version: i64 = connection
                .query_row("PRAGMA user_version", [], |row| row.get(0))
                .unwrap();
            assert_eq!(version, schema.newest());
        }
    }

    /// A database as it stood before a step (from 0), with some rows in it.
    fn before_step(step: usize, rows: &str) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        Migrations::from_slice(LEDGER)
            .to_version(&mut connection, step)
            .unwrap();
        connection.execute_batch(rows).unwrap();
        connection
    }

    /// A data directory of the version before there were limits to begin with.
    fn before_limits() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = Migrations::from_slice(LEDGER);
        steps.to_version(&mut connection, 11).unwrap();
        connection
            .execute_batch(
                r#"
                INSERT INTO workspaces (id, name, kind, status, demo, nfr)
                    VALUES ('msp', 'msp', 'channel', 'subscription', 0, 0);
                INSERT INTO plugins (name, sha256, description, added_at, added_by)
                    VALUES ('autotask', '', '{}', 0, 'ann');
                INSERT INTO connections
                    (id, name, plugin, channel, time_zone, tenant, created_at)
                VALUES (1, 'acme', 'autotask', 'msp', 'UTC', 't', 0),
                       (2, 'beta', 'autotask', 'msp', 'UTC', 't', 0);
                INSERT INTO rules VALUES (1, '{"approval":{"units":"25","percent":null}}'),
                                         (2, '{"approval":{"units":null,"first-time":true}}');
                INSERT INTO account_map (connection, tenant, workspace, account)
                    VALUES (1, 't', 'w1', '101'), (1, 't', 'w2', '102'), (1, 't', 'w3', '103');
                INSERT INTO lines (tenant, line, connection, contract, service, workspace, units)
                    VALUES ('t', '1', 1, '9', '8', 'w1', '7'), ('t', '2', 1, '9', '8', 'w2', NULL);
                INSERT INTO runs (id, connection_id, connection, tenant, dry_run, as_of,
                    started_by, started_at, ending)
                VALUES (1, 1, 'acme', 't', 0, '2026-03-14', 'ann', 0, 'done');
                INSERT INTO run_lines (run, row, account, line, baseline, target, outcome)
                VALUES (1, 0, '103', '3', '5', '5', 'unchanged'),
                       (1, 1, '104', '4', '5', '5', 'unchanged'),
                       (1, 2, '104', '5', '5', '6', 'held');
                "#,
            )
            .unwrap();
        connection
    }

    #[test]
    fn approvals_of_earlier_files_are_remembered_with_their_contract() {
        let mut connection = before_step(
            14,
            r#"INSERT INTO plugins VALUES ('old', 'aa', '{"name":"old"}', 1, 'ann');
               INSERT INTO plugins VALUES ('new', 'bb', '{"refusals":[]}', 2, 'bob');
               INSERT INTO plugins VALUES ('odd', 'cc', 'no json', 3, 'bob');
               INSERT INTO approvals VALUES ('old', 'aa', '["a.example"]', 5, 'ann');
               INSERT INTO approvals VALUES ('new', 'former', '["b.example"]', 5, 'ann');"#,
        );
        Schema::Ledger.apply(&mut connection).unwrap();
        let files: Vec<(String, i64, Option<String>)> = connection
            .prepare("SELECT sha256, form, hosts FROM plugin_files ORDER BY sha256")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        let granted = Some(r#"["a.example"]"#.to_owned());
        assert_eq!(
            files,
            [
                ("aa".to_owned(), 1, granted),
                ("bb".to_owned(), 2, None),
                ("cc".to_owned(), 1, None),
            ]
        );
        let lineages: i64 = connection
            .query_row("SELECT count(DISTINCT lineage) FROM plugins", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(lineages, 3);
    }

    #[test]
    fn runs_that_earlier_releases_called_interrupted_were_killed() {
        let mut connection = before_step(
            20,
            "INSERT INTO runs (connection_id, connection, dry_run, as_of, started_by, started_at,
                 ending)
             VALUES (1, 'acme', 0, '2026-03-14', 'ann', 0, 'interrupted'),
                    (1, 'acme', 0, '2026-03-15', 'ann', 0, 'done'),
                    (1, 'acme', 0, '2026-03-16', 'ann', 0, NULL);",
        );
        Schema::Ledger.apply(&mut connection).unwrap();
        let mut endings = connection
            .prepare("SELECT ending FROM runs ORDER BY id")
            .unwrap();
        let endings = endings.query_map([], |row| row.get(0)).unwrap();
        let endings: Vec<Option<String>> = endings.map(Result::unwrap).collect();
        assert_eq!(
            endings,
            [Some("killed".to_owned()), Some("done".to_owned()), None]
        );
    }

    #[test]
    fn an_upgrade_keeps_who_is_known_and_adds_limits_where_none_was_set() {
        let mut connection = before_limits();
        Schema::Ledger.apply(&mut connection).unwrap();
        let column = |sql: &str| {
            let mut rows = connection.prepare(sql).unwrap();
            let rows = rows.query_map([], |row| row.get(0)).unwrap();
            rows.collect::<rusqlite::Result<Vec<String>>>().unwrap()
        };
        // Confirmed; found right by the last run. The others have yet to show it.
        let known = column("SELECT account FROM known_accounts ORDER BY account");
        assert_eq!(known, ["101", "103"]);
        let rules = column("SELECT rules FROM rules ORDER BY connection");
        let rules: Vec<psa_host_billing::rules::Rules> = rules
            .iter()
            .map(|rules| serde_json::from_str(rules).unwrap())
            .collect();
        let new = psa_host_billing::rules::ApprovalLimits::default();
        let own = &rules[0].approval;
        assert_eq!((own.rise, own.fall), (None, None), "they had set their own");
        let added = &rules[1].approval;
        assert_eq!((added.rise, added.fall), (new.rise, new.fall));
        for rules in &rules {
            assert!(rules.approval.new_accounts);
            assert_eq!(
                rules.brakes,
                psa_host_billing::rules::BrakeLimits::default()
            );
        }
        assert!(crate::decisions::limits_added::is_news(&Tx::on(&connection)).unwrap());
    }

    #[test]
    fn no_table_with_a_tenant_in_it_is_forgotten_when_a_tenants_key_changes() {
        let mut ledger = Connection::open_in_memory().unwrap();
        Schema::Ledger.apply(&mut ledger).unwrap();
        let tables: Vec<String> = ledger
            .prepare(
                "SELECT t.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
                 WHERE t.type = 'table' AND c.name LIKE '%tenant%'
                     AND t.name NOT IN ('tenant_claims', 'run_leases')
                 ORDER BY t.name",
            )
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert_eq!(
            tables,
            crate::connections::rebind::KEPT_BY_TENANT,
            "a table is kept by tenant: say there how it moves with a tenant whose key changes, \
             and in `make_way` which row stays where both have one"
        );
    }
}
