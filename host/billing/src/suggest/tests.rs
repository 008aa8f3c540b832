//! What is proposed for whom, and what must hold whatever the names are.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::{WorkspaceKind, WorkspaceStatus};

fn workspace(id: &str, name: &str, domain: Option<&str>) -> Workspace {
    Workspace {
        id: WorkspaceId::new(id).unwrap(),
        name: name.to_owned(),
        company: None,
        domain: domain.map(str::to_owned),
        kind: WorkspaceKind::Child,
        parent: None,
        status: WorkspaceStatus::Subscription,
        demo: false,
        nfr: false,
    }
}

fn account(id: &str, name: &str, domain: Option<&str>) -> Account {
    Account {
        id: AccountId::new(id).unwrap(),
        name: name.to_owned(),
        active: Truth::Yes,
        domain: domain.map(str::to_owned),
        link: None,
    }
}

fn service(id: &str, name: &str, sku: Option<&str>) -> Service {
    Service {
        id: ServiceId::new(id).unwrap(),
        name: name.to_owned(),
        active: Truth::Yes,
        sku: sku.map(str::to_owned),
        parts: vec![],
        unit_price: None,
        link: None,
    }
}

/// As (id, name, domain).
type Row = (&'static str, &'static str, Option<&'static str>);

fn of_rows(workspaces: &[Row], accounts: &[Row]) -> Vec<Proposal<WorkspaceId, AccountId>> {
    let workspaces: Vec<Workspace> = workspaces
        .iter()
        .map(|(id, name, domain)| workspace(id, name, *domain))
        .collect();
    let accounts: Vec<Account> = accounts
        .iter()
        .map(|(id, name, domain)| account(id, name, *domain))
        .collect();
    suggest_accounts(&workspaces, &accounts, &HashSet::new())
}

/// One line for each proposal that is not weak.
fn shown<C: std::fmt::Display, P: std::fmt::Display>(all: &[Proposal<C, P>]) -> Vec<String> {
    all.iter()
        .filter(|one| one.verdict != Confidence::Weak)
        .map(|one| {
            let verdict = format!("{:?}", one.verdict).to_lowercase();
            format!(
                "{}={} {} {verdict}: {}",
                one.coro, one.psa, one.score, one.reason
            )
        })
        .collect()
}

#[test]
fn each_pair_of_names_and_domains_has_its_score_and_reason() {
    const ACME: Option<&str> = Some("acme.com");
    // One workspace and one account, as (name, domain); what is proposed.
    type Side = (&'static str, Option<&'static str>);
    let table: [(Side, Side, Option<&str>); 18] = [
        (
            ("Acme", ACME),
            ("Acme", ACME),
            Some("100 safe: same domain acme.com, name equal"),
        ),
        (
            ("Acme", ACME),
            ("ACME, Inc.", ACME),
            Some("99 safe: same domain acme.com, name equal without legal suffix"),
        ),
        (
            ("Acme Dental", ACME),
            ("Acme Dentol", ACME),
            Some("97 safe: same domain acme.com, name 90 % alike"),
        ),
        (
            ("Shop", ACME),
            ("Umbrella", ACME),
            Some("95 safe: same domain acme.com"),
        ),
        (
            ("Acme", ACME),
            ("Acme", Some("https://www.acme.com/")),
            Some("100 safe: same domain acme.com, name equal"),
        ),
        (("Acme", None), ("Acme", None), Some("96 safe: name equal")),
        (
            ("acme  dental", None),
            ("Acmé-Dental", None),
            Some("96 safe: name equal"),
        ),
        (
            ("Acme Ltd", None),
            ("Acme GmbH", None),
            Some("94 safe: name equal without legal suffix"),
        ),
        // Equal names are no proof where the domains speak against it.
        (
            ("Acme", ACME),
            ("Acme", Some("acme.org")),
            Some("84 likely: name equal, but domains differ (acme.com and acme.org)"),
        ),
        // A mail provider's domain says nothing, neither for nor against.
        (
            ("Shop", Some("gmail.com")),
            ("Umbrella", Some("gmail.com")),
            None,
        ),
        (
            ("Acme", Some("gmail.com")),
            ("Acme", ACME),
            Some("96 safe: name equal"),
        ),
        // Alike is never safe.
        (
            ("Northwind Trading", None),
            ("Northwnd Trading", None),
            Some("79 likely: name 94 % alike"),
        ),
        (
            ("Dental Acme", None),
            ("Acme Dental", None),
            Some("78 likely: every word of the shorter name is in the longer"),
        ),
        (
            ("Harbor Legal", None),
            ("Harbor Legal New York", None),
            Some("78 likely: every word of the shorter name is in the longer"),
        ),
        (("Harbor", None), ("Harbor Legal New York", None), None),
        (("Acme", None), ("Umbrella", None), None),
        (("---", None), ("---", None), None),
        (("", None), ("", None), None),
    ];
    for (workspace, account, expected) in table {
        let (name, domain) = workspace;
        let found = of_rows(&[("w", name, domain)], &[("1", account.0, account.1)]);
        let expected: Vec<String> = expected.iter().map(|text| format!("w=1 {text}")).collect();
        assert_eq!(shown(&found), expected, "{workspace:?} {account:?}");
    }
}

#[test]
fn the_company_name_counts_beside_the_workspace_name() {
    let mut one = workspace("w", "acme-prod", None);
    one.company = Some("Acme Inc".to_owned());
    let found = suggest_accounts(&[one], &[account("1", "Acme", None)], &HashSet::new());
    assert_eq!(
        shown(&found),
        ["w=1 94 safe: name equal without legal suffix"]
    );
}

#[test]
fn a_domain_of_several_accounts_is_no_proof() {
    const SHARED: Option<&str> = Some("group.com");
    let accounts: &[Row] = &[("1", "Group North", SHARED), ("2", "Group South", SHARED)];
    assert_eq!(
        shown(&of_rows(&[("w", "Elsewhere", SHARED)], accounts)),
        [] as [&str; 0]
    );
    assert_eq!(
        shown(&of_rows(&[("w", "Group South", SHARED)], accounts)),
        ["w=2 96 safe: name equal"]
    );
    // Also where one of the two cannot be proposed.
    let taken = HashSet::from([AccountId::new("1").unwrap()]);
    let all = [
        account("1", "Group North", SHARED),
        account("2", "South", SHARED),
    ];
    let found = suggest_accounts(&[workspace("w", "Elsewhere", SHARED)], &all, &taken);
    assert_eq!(found, []);
}

#[test]
fn what_two_claim_or_two_fit_is_ambiguous_with_both_and_never_safe() {
    let two_accounts = of_rows(
        &[("w", "Acme", None)],
        &[("1", "Acme Inc", None), ("2", "Acme LLC", None)],
    );
    assert_eq!(
        shown(&two_accounts),
        [
            "w=1 94 ambiguous: name equal without legal suffix",
            "w=2 94 ambiguous: name equal without legal suffix",
        ]
    );
    assert_eq!(two_accounts[0].also_fits, [two_accounts[1].psa.clone()]);
    let two_workspaces = of_rows(
        &[("w1", "Acme", None), ("w2", "Acme", None)],
        &[("1", "Acme", None)],
    );
    assert_eq!(
        shown(&two_workspaces),
        [
            "w1=1 96 ambiguous: name equal",
            "w2=1 96 ambiguous: name equal"
        ]
    );
    assert_eq!(
        two_workspaces[0].also_claimed_by,
        [two_workspaces[1].coro.clone()]
    );
    // The domain says one, the name another.
    assert_eq!(
        shown(&of_rows(
            &[("w", "Acme", Some("acme.com"))],
            &[("1", "Umbrella", Some("acme.com")), ("2", "Acme", None)],
        )),
        [
            "w=2 96 ambiguous: name equal",
            "w=1 95 ambiguous: same domain acme.com"
        ]
    );
    // Much alike both, and neither equal.
    assert_eq!(
        shown(&of_rows(
            &[("w", "Northwind", None)],
            &[("1", "Northwind1", None), ("2", "Northwind2", None)]
        )),
        [
            "w=1 76 ambiguous: name 90 % alike",
            "w=2 76 ambiguous: name 90 % alike"
        ]
    );
}

#[test]
fn what_one_has_safely_is_not_offered_to_another() {
    let found = of_rows(
        &[
            ("w1", "Acme Dental", Some("acme.com")),
            ("w2", "Acme Dentals", None),
        ],
        &[("1", "Acme Dental", Some("acme.com"))],
    );
    assert_eq!(
        shown(&found),
        ["w1=1 100 safe: same domain acme.com, name equal"]
    );
}

#[test]
fn inactive_and_mapped_accounts_are_never_proposed() {
    let mut inactive = account("1", "Acme", Some("acme.com"));
    inactive.active = Truth::No;
    let mut unknown = account("2", "Birch", None);
    unknown.active = Truth::Unknown;
    let all = [inactive, unknown, account("3", "Cedar", None)];
    let workspaces = [
        workspace("w1", "Acme", Some("acme.com")),
        workspace("w2", "Birch", None),
        workspace("w3", "Cedar", None),
    ];
    let taken = HashSet::from([AccountId::new("3").unwrap()]);
    let found = suggest_accounts(&workspaces, &all, &taken);
    assert_eq!(shown(&found), ["w2=2 96 safe: name equal"]);
}

#[test]
fn a_name_that_a_crowd_has_is_no_name() {
    let crowd: Vec<Account> = (0..25)
        .map(|at| account(&at.to_string(), "Customer", None))
        .collect();
    let found = suggest_accounts(&[workspace("w", "Customer", None)], &crowd, &HashSet::new());
    assert_eq!(found, []);
}

#[test]
fn services_are_found_by_sku_and_by_name_without_the_vendor() {
    let modules = |ids: &[(&str, &str)]| -> Vec<NamedModule> {
        let module = |(id, name): &(&str, &str)| NamedModule {
            id: ModuleId::new(id).unwrap(),
            name: (*name).to_owned(),
        };
        ids.iter().map(module).collect()
    };
    let services = [
        service("1", "Endpoint Detection", Some("CORO-EDR")),
        service("2", "Coro Email Security", None),
        service("3", "MDM", None),
        service("4", "Coro MDM", None),
        service("5", "Coro Network per user", None),
        service("6", "Web A", Some("coro-swg")),
        service("7", "Web B", Some("coro-swg")),
    ];
    let found = suggest_services(
        &modules(&[
            ("edr", "EDR"),
            ("email-security", "Email Security"),
            ("mdm", "MDM"),
            ("swg", "Secure Web Gateway"),
        ]),
        &services,
        &HashSet::new(),
    );
    assert_eq!(
        shown(&found),
        [
            "edr=1 95 safe: sku edr",
            "email-security=2 94 safe: name equal without the word Coro",
            "mdm=3 96 ambiguous: name equal",
            "mdm=4 94 ambiguous: name equal without the word Coro",
        ]
    );
}

/// Few names and domains, so that they meet often.
fn names() -> impl Strategy<Value = String> {
    let first = prop::sample::select(vec!["Acme", "Birch", "Cedar", "Northwind", "Northwint"]);
    let second = prop::sample::select(vec!["", " Dental", " Legal", " Dental Group", " Legal 2"]);
    let last = prop::sample::select(vec!["", " Inc", " GmbH", ", LLC"]);
    (first, second, last).prop_map(|(a, b, c)| format!("{a}{b}{c}"))
}

fn domains() -> impl Strategy<Value = Option<&'static str>> {
    let some = vec![
        None,
        Some("acme.com"),
        Some("birch.org"),
        Some("cedar.net"),
        Some("northwind.com"),
        Some("gmail.com"),
    ];
    prop::sample::select(some)
}

type Sides = (Vec<Workspace>, Vec<Account>);

fn sides() -> impl Strategy<Value = Sides> {
    let rows = || prop::collection::vec((names(), domains(), 0..8_u8), 0..14);
    (rows(), rows()).prop_map(|(left, right)| {
        let workspaces = left
            .into_iter()
            .enumerate()
            .map(|(at, (name, domain, _))| workspace(&format!("w{at:02}"), &name, domain))
            .collect();
        let accounts = right
            .into_iter()
            .enumerate()
            .map(|(at, (name, domain, odds))| {
                let mut account = account(&format!("a{at:02}"), &name, domain);
                if odds == 0 {
                    account.active = Truth::No;
                }
                account
            });
        (workspaces, accounts.collect())
    })
}

fn suggested((workspaces, accounts): &Sides) -> Vec<Proposal<WorkspaceId, AccountId>> {
    suggest_accounts(workspaces, accounts, &HashSet::new())
}

fn safe(all: &[Proposal<WorkspaceId, AccountId>]) -> HashMap<WorkspaceId, AccountId> {
    all.iter()
        .filter(|one| one.verdict == Confidence::Safe)
        .map(|one| (one.coro.clone(), one.psa.clone()))
        .collect()
}

proptest! {
    #[test]
    fn no_id_is_safe_twice_and_scores_are_scores(sides in sides()) {
        let all = suggested(&sides);
        let of_safe: Vec<_> = all.iter().filter(|one| one.verdict == Confidence::Safe).collect();
        let left: HashSet<_> = of_safe.iter().map(|one| &one.coro).collect();
        let right: HashSet<_> = of_safe.iter().map(|one| &one.psa).collect();
        prop_assert_eq!(left.len(), of_safe.len());
        prop_assert_eq!(right.len(), of_safe.len());
        let inactive: HashSet<_> =
            sides.1.iter().filter(|a| a.active == Truth::No).map(|a| &a.id).collect();
        for one in &all {
            prop_assert!(one.score <= 100);
            prop_assert!(!one.reason.is_empty());
            prop_assert!(one.verdict != Confidence::Safe || one.score >= SAFE);
            prop_assert!(!inactive.contains(&one.psa));
            // Whoever has a safe partner has no second row beside it that is as good.
            if one.verdict != Confidence::Safe {
                prop_assert!(!right.contains(&one.psa));
                prop_assert!(!left.contains(&one.coro) || one.verdict == Confidence::Weak);
            }
        }
    }

    #[test]
    fn the_order_of_the_lists_says_nothing(
        sides in sides(), left in any::<prop::sample::Index>(), right in any::<prop::sample::Index>(),
    ) {
        let (mut workspaces, mut accounts) = sides.clone();
        if !workspaces.is_empty() {
            let by = left.index(workspaces.len());
            workspaces.rotate_left(by);
            workspaces.reverse();
        }
        if !accounts.is_empty() {
            let by = right.index(accounts.len());
            accounts.rotate_left(by);
        }
        prop_assert_eq!(suggested(&sides), suggested(&(workspaces, accounts)));
    }

    /// An account that has nothing to do with anybody changes nobody's partner.
    #[test]
    fn an_unrelated_account_changes_no_safe_match(sides in sides(), stranger in "[xyz]{5,20}") {
        let before = safe(&suggested(&sides));
        let (workspaces, mut accounts) = sides;
        accounts.push(account("zz", &stranger, Some("stranger.example")));
        prop_assert_eq!(before, safe(&suggested(&(workspaces, accounts))));
    }

    /// Any other account may take a safe match away, never give it another partner.
    #[test]
    fn one_more_account_never_changes_a_safe_partner(
        sides in sides(), name in names(), domain in domains(),
    ) {
        let before = safe(&suggested(&sides));
        let (workspaces, mut accounts) = sides;
        accounts.push(account("zz", &name, domain));
        let after = suggested(&(workspaces, accounts));
        for (workspace, partner) in safe(&after) {
            if let Some(was) = before.get(&workspace) {
                // Unless the new account shares the domain that was the proof.
                prop_assert!(*was == partner || domain.is_some());
            }
        }
    }

    #[test]
    fn any_text_is_taken(name in ".{0,60}", other in ".{0,60}", domain in ".{0,30}") {
        let found = suggest_accounts(
            &[workspace("w", &name, Some(&domain))],
            &[account("1", &other, Some(&domain))],
            &HashSet::new(),
        );
        prop_assert!(found.len() <= 1);
    }
}

#[test]
fn two_thousand_by_two_thousand_are_matched() {
    let first = [
        "Alder", "Beacon", "Birch", "Copper", "Delta", "Falcon", "Granite", "Harbor",
    ];
    let second = [
        "Dental",
        "Legal",
        "Logistics",
        "Accounting",
        "Insurance",
        "Realty",
        "Foods",
    ];
    let name = |at: usize| {
        let (one, two) = (
            first[at % first.len()],
            second[at / first.len() % second.len()],
        );
        format!("{one} {two} {}", at / (first.len() * second.len()))
    };
    let workspaces: Vec<Workspace> = (0..2_000)
        .map(|at| workspace(&format!("w{at}"), &name(at), None))
        .collect();
    let accounts: Vec<Account> = (0..2_000)
        .map(|at| account(&at.to_string(), &format!("{}, Inc.", name(at)), None))
        .collect();
    let found = safe(&suggested(&(workspaces, accounts)));
    assert_eq!(found.len(), 2_000);
    assert!(found.iter().all(|(w, a)| w.as_str()[1..] == *a.as_str()));
}
