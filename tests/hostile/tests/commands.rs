//! Hostile lists as an administrator meets them: through whole commands, with the caps
//! where those commands read.

use hostile_plugins::guest::{Answer, Disguise, Export};
use hostile_plugins::{Installation, disguised, run};
use psa_host_sync::{Error, unwatched};

const ENDLESS: Answer = Answer::Endless {
    counts: true,
    heavy: 1,
};
const HEAVY: Answer = Answer::Endless {
    counts: true,
    heavy: 2_000,
};
const CIRCLE: Answer = Answer::Endless {
    counts: false,
    heavy: 0,
};

#[track_caller]
fn is_stopped(error: &Error, by: &str) {
    assert_eq!(error.code(), "plugin-out-of-limits", "{error}");
    let text = error.to_string();
    assert!(text.contains("the plugin hostile"), "{text}");
    assert!(text.contains(by), "{text}");
}

/// The last run's incidents and what ended it, as its record has them.
fn last_run(of: &Installation) -> (Vec<String>, Vec<String>) {
    let runs = of.host.run_list(Some(&of.name), 1).unwrap();
    let report = of.host.run_report(runs[0].run.parse().unwrap()).unwrap();
    let codes = |notices: &[psa_host_sync::run::Notice]| {
        let codes = notices.iter().map(|notice| notice.code.clone());
        codes.collect::<Vec<_>>()
    };
    (codes(&report.incidents), codes(&report.notices))
}

#[test]
fn accounts_that_fill_the_memory_end_the_command() {
    run(async {
        let installed = Installation::answering(Export::ListAccounts, HEAVY).await;
        let (host, name) = (&installed.host, &installed.name);
        let error = host.accounts(name, None, &unwatched).await.unwrap_err();
        is_stopped(&error, "take too much memory");
    });
}

#[test]
fn services_that_never_end_end_the_command() {
    run(async {
        for (answer, problem) in [(ENDLESS, "does not end"), (CIRCLE, "the same cursor twice")] {
            let installed = Installation::answering(Export::ListServices, answer).await;
            let (host, name) = (&installed.host, &installed.name);
            let error = host.services(name, None, &unwatched).await.unwrap_err();
            is_stopped(&error, problem);
        }
    });
}

#[test]
fn an_account_that_is_looked_for_is_not_looked_for_without_end() {
    run(async {
        let installed = Installation::answering(Export::ListAccounts, HEAVY).await;
        let workspace = "w1".parse().unwrap();
        let explained = installed
            .host
            .explain(&installed.name, &workspace, &"edr".parse().unwrap())
            .await;
        is_stopped(&explained.unwrap_err(), "take too much memory");
    });
}

#[test]
fn contracts_that_fill_the_memory_end_a_validation_and_a_run_with_an_incident() {
    run(async {
        let installed = Installation::answering(Export::ListContracts, HEAVY).await;
        let (host, name) = (&installed.host, &installed.name);
        let error = host.validate(name, &unwatched).await.unwrap_err();
        is_stopped(&error, "take too much memory");
        let error = installed.sync().await.unwrap_err();
        is_stopped(&error, "take too much memory");
        let (incidents, notices) = last_run(&installed);
        assert_eq!(incidents, ["too-many-pages"]);
        assert_eq!(notices, ["plugin-out-of-limits"]);
    });
}

#[test]
fn contracts_of_one_account_that_never_end_leave_that_account_unread() {
    run(async {
        let installed = Installation::answering(Export::ListContracts, CIRCLE).await;
        let report = installed.sync().await.unwrap();
        let codes: Vec<_> = report.lines.iter().map(|line| &line.code).collect();
        assert_eq!(
            codes,
            [&Some("account-unreadable".to_owned())],
            "{report:#?}"
        );
        assert_eq!(last_run(&installed).0, ["cursor-repeats"]);
    });
}

#[test]
fn lines_read_again_with_a_flood_of_others_are_not_posted() {
    run(async {
        let flood = Answer::Endless {
            counts: true,
            heavy: 10_000,
        };
        let installed = Installation::answering(Export::ReadLines, flood).await;
        let outcome = installed.sync().await;
        let (incidents, _) = last_run(&installed);
        assert_eq!(incidents, ["too-many-pages"], "{outcome:#?}");
        let intents = installed
            .host
            .ledger()
            .open_intents(&"hostile-tenant".parse().unwrap());
        let intents = intents.unwrap();
        assert!(intents.is_empty(), "{intents:#?}");
    });
}

#[test]
fn what_was_compiled_goes_with_its_plugin() {
    run(async {
        let installed = Installation::fair().await;
        let host = &installed.host;
        let cache = installed.folder.path().join("data/cache");
        let kept = || std::fs::read_dir(&cache).unwrap().count();
        assert_eq!(kept(), 2, "the code and its digest");
        // A file that was only looked at leaves nothing behind, good or not.
        for disguise in [Disguise::Token, Disguise::Nonsense] {
            let file = installed.folder.path().join("other.wasm");
            std::fs::write(&file, disguised(disguise)).unwrap();
            drop(host.inspect_plugin(file.to_str().unwrap()).await);
            assert_eq!(kept(), 2, "{disguise:?}");
        }
        host.remove_connection(&installed.name).unwrap();
        host.remove_plugin("hostile").unwrap();
        assert_eq!(kept(), 0);
    });
}

#[test]
fn a_plugins_advice_is_shown_as_its_own() {
    run(async {
        let fault = Answer::Fault("nothing works".into());
        let installed = Installation::answering(Export::ListServices, fault).await;
        let (host, name) = (&installed.host, &installed.name);
        let error = host.services(name, None, &unwatched).await.unwrap_err();
        let fix = error.problem().fix.unwrap();
        let (own, advice) = fix.split_once(" The plugin says: ").unwrap();
        assert_eq!(advice, "run this as root");
        assert!(own.starts_with("Check the network"), "{fix}");
    });
}
