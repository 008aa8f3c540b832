//! One channel with four workspaces and three modules; two services have a price.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::{
    AccountId, ServiceMapping, SetAside, SetAsideKind, Truth, UsageSnapshot, WorkspaceKind,
    WorkspaceStatus,
};

const DAY: Date = date(2026, 11, 23);

fn id<T: std::str::FromStr<Err = crate::IdError>>(text: &str) -> T {
    text.parse().unwrap()
}

fn workspace(name: &str, status: WorkspaceStatus) -> (WorkspaceId, Workspace) {
    let workspace = Workspace {
        id: id(name),
        name: name.to_owned(),
        company: None,
        domain: None,
        kind: WorkspaceKind::Child,
        parent: Some(id("msp")),
        status,
        demo: false,
        nfr: false,
    };
    (id(name), workspace)
}

fn service(service: &str, price: Option<(&str, Option<&str>)>) -> (ServiceId, Service) {
    let money = price.map(|(amount, currency)| Money {
        amount: amount.parse().unwrap(),
        currency: currency.map(Into::into),
    });
    let row = Service {
        id: id(service),
        name: service.to_owned(),
        active: Truth::Yes,
        sku: None,
        parts: vec![],
        unit_price: money,
        link: None,
    };
    (id(service), row)
}

/// Rows of (workspace, module, users, devices).
type Counts = [(&'static str, &'static str, u32, u32)];

/// `w1` is mapped; `edr` (4.20 USD a device), `network` (3 EUR a user) and `mdm` (no
/// price) are mapped; `email-security` and `cloud-security` are not, but for the latter a
/// service (2 USD) is proposed.
fn look(counts: &Counts, aside: &[SetAside]) -> (Vec<UnmappedWorkspace>, Vec<UnmappedModule>) {
    let counts = counts.iter();
    let items =
        counts.map(|&(workspace, module, users, devices)| item(workspace, module, users, devices));
    look_at(items.collect(), aside)
}

fn item(workspace: &str, module: &str, users: u32, devices: u32) -> UsageItem {
    UsageItem {
        workspace: id(workspace),
        module: id(module),
        users: Some(users),
        devices: Some(devices),
    }
}

fn look_at(
    items: Vec<UsageItem>,
    aside: &[SetAside],
) -> (Vec<UnmappedWorkspace>, Vec<UnmappedModule>) {
    let snapshot = UsageCounts::new(UsageSnapshot {
        unread: vec![],
        channel: id("msp"),
        taken_at: "2026-11-23T05:00:00Z".parse().unwrap(),
        complete: true,
        items,
    });
    let mut mapping = Mapping::default();
    mapping
        .map_account(id("w1"), AccountId::new("1").unwrap())
        .unwrap();
    for (module, service, metric) in [
        ("edr", "15", Metric::Devices),
        ("network", "16", Metric::Users),
        ("mdm", "17", Metric::Devices),
    ] {
        let (module, service) = (id(module), id(service));
        mapping
            .map_service(ServiceMapping {
                module,
                service,
                metric,
            })
            .unwrap();
    }
    let workspaces = HashMap::from([
        workspace("w1", WorkspaceStatus::Subscription),
        workspace("w2", WorkspaceStatus::Subscription),
        workspace("w3", WorkspaceStatus::Subscription),
        workspace("trial", WorkspaceStatus::Trial),
    ]);
    let services = HashMap::from([
        service("15", Some(("4.20", Some("USD")))),
        service("16", Some(("3", Some("EUR")))),
        service("17", None),
        service("18", Some(("2", Some("USD")))),
    ]);
    let seen = RadarInputs {
        as_of: DAY,
        snapshot: &snapshot,
        elsewhere: &Elsewhere::default(),
        mapping: &mapping,
        workspaces: &workspaces,
        services: &services,
        proposed: &HashMap::from([(id("cloud-security"), id("18"))]),
        set_asides: &aside.iter().cloned().collect(),
    };
    (seen.unmapped_workspaces(), seen.unmapped_modules())
}

fn shown(stake: &Stake) -> String {
    let money: Vec<String> = stake.money.iter().map(Money::to_string).collect();
    let unpriced: Vec<&str> = stake.unpriced.iter().map(ModuleId::as_str).collect();
    format!(
        "{} users, {} devices, [{}], no price: [{}]",
        stake.users,
        stake.devices,
        money.join(" + "),
        unpriced.join(" ")
    )
}

#[test]
fn money_at_stake_is_units_times_list_price_for_each_currency() {
    let cases: [(&Counts, &str); 5] = [
        // Ten devices at 4.20.
        (
            &[("w2", "edr", 99, 10)],
            "0 users, 10 devices, [42.00 USD], no price: []",
        ),
        // Currencies are never added up.
        (
            &[("w2", "edr", 9, 10), ("w2", "network", 7, 99)],
            "7 users, 10 devices, [21.00 EUR + 42.00 USD], no price: []",
        ),
        // Mapped without a price, and not mapped at all: the units only.
        (
            &[("w2", "mdm", 1, 5)],
            "0 users, 5 devices, [], no price: [mdm]",
        ),
        (
            &[("w2", "email-security", 8, 3)],
            "8 users, 0 devices, [], no price: [email-security]",
        ),
        // In use by the other count: no units, no money.
        (
            &[("w2", "edr", 4, 0)],
            "0 users, 0 devices, [], no price: []",
        ),
    ];
    for (counts, expected) in cases {
        let (workspaces, _) = look(counts, &[]);
        assert_eq!(workspaces.len(), 1, "{counts:?}");
        assert_eq!(shown(&workspaces[0].stake), expected, "{counts:?}");
    }
}

#[test]
fn a_module_without_a_service_is_worth_an_estimate_where_one_is_proposed() {
    let counts: &Counts = &[("w2", "cloud-security", 5, 9), ("w2", "edr", 0, 10)];
    let (workspaces, modules) = look(counts, &[]);
    let stake = &workspaces[0].stake;
    assert_eq!(
        shown(stake),
        "5 users, 10 devices, [52.00 USD], no price: []"
    );
    assert_eq!(stake.estimated, [id("cloud-security")]);
    assert_eq!(
        shown(&modules[0].stake),
        "5 users, 0 devices, [10.00 USD], no price: []"
    );
    let (sure, _) = look(&[("w2", "edr", 0, 10)], &[]);
    assert!(sure[0].stake.estimated.is_empty());
}

proptest! {
    /// Each unit of each module in use is at stake once and no other, and a module is
    /// either worth something or named as unpriced, never both.
    #[test]
    fn every_unit_in_use_is_at_stake_exactly_once(
        users in prop::collection::vec(0_u32..20, 4), devices in prop::collection::vec(0_u32..20, 4),
    ) {
        let modules = ["edr", "network", "mdm", "cloud-security"];
        let counts: Vec<UsageItem> = modules
            .iter()
            .zip(users.iter().zip(&devices))
            .map(|(module, (users, devices))| item("w2", module, *users, *devices))
            .collect();
        let (workspaces, _) = look_at(counts, &[]);
        let in_use = |at: usize| users[at] > 0 || devices[at] > 0;
        prop_assert_eq!(workspaces.len(), usize::from((0..4).any(in_use)));
        for one in workspaces {
            let stake = one.stake;
            prop_assert_eq!(stake.devices, u64::from(devices[0] + devices[2]));
            prop_assert_eq!(stake.users, u64::from(users[1] + users[3]));
            for module in &stake.unpriced {
                prop_assert!(one.modules.contains(module) && !stake.estimated.contains(module));
            }
            let cents: u64 = u64::from(devices[0]) * 420 + u64::from(users[3]) * 200;
            let usd = stake.money.iter().find(|money| money.currency.as_deref() == Some("USD"));
            let usd = usd.map_or(Decimal::ZERO, |money| money.amount);
            prop_assert_eq!(usd, Decimal::new(cents.try_into().unwrap(), 2));
        }
    }
}

#[test]
fn what_is_mapped_unused_or_not_paid_is_not_on_the_radar() {
    let (workspaces, modules) = look(
        &[
            ("w1", "edr", 5, 5),
            ("w2", "edr", 0, 0),
            ("trial", "edr", 5, 5),
            ("trial", "email-security", 5, 5),
            ("stranger", "edr", 5, 5),
        ],
        &[],
    );
    assert_eq!((workspaces, modules), (vec![], vec![]));
}

#[test]
fn an_unmapped_module_counts_its_workspaces_mapped_or_not() {
    let (_, modules) = look(
        &[
            ("w1", "email-security", 5, 0),
            ("w2", "email-security", 6, 0),
            ("w2", "edr", 6, 2),
        ],
        &[],
    );
    assert_eq!(modules.len(), 1);
    assert_eq!(modules[0].workspaces, 2);
    assert_eq!(
        shown(&modules[0].stake),
        "11 users, 0 devices, [], no price: [email-security]"
    );
}

#[test]
fn what_is_set_aside_is_not_shown_until_its_entry_has_ended() {
    let aside = |kind, module: Option<&str>, until| SetAside {
        workspace: id("w2"),
        module: module.map(id),
        kind,
        why: "known".to_owned(),
        who: "ann".to_owned(),
        since: "2026-11-01T09:00:00Z".parse().unwrap(),
        until,
    };
    let counts: &Counts = &[("w2", "edr", 5, 10), ("w2", "email-security", 6, 0)];
    let seen = |entries: &[SetAside]| {
        let (workspaces, modules) = look(counts, entries);
        let in_use = workspaces.first().map_or(0, |row| row.modules.len());
        (workspaces.len(), in_use, modules.len())
    };
    use SetAsideKind::{Exclude, Hold};
    assert_eq!(seen(&[]), (1, 2, 1));
    assert_eq!(seen(&[aside(Exclude, None, None)]), (0, 0, 0));
    assert_eq!(seen(&[aside(Hold, None, Some(DAY))]), (0, 0, 0));
    assert_eq!(
        seen(&[aside(Exclude, Some("email-security"), None)]),
        (1, 1, 0)
    );
    assert_eq!(seen(&[aside(Exclude, Some("edr"), None)]), (1, 1, 1));
    let yesterday = Some(date(2026, 11, 22));
    assert_eq!(seen(&[aside(Exclude, None, yesterday)]), (1, 2, 1));
}
