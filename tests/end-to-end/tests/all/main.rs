//! Whole runs against the Autotask simulator. One test program on purpose: the engine is
//! linked once.

mod broken_ledger;
mod bundles;
mod count;
mod daemon;
mod decisions;
mod disputed;
mod documents;
mod faults;
mod late;
mod life;
mod limits;
mod mapping;
mod midnight;
mod network;
mod orphans;
mod others;
mod people;
mod plugin_files;
mod plugin_trial;
mod posting;
mod program;
mod real_answers;
mod rebind;
mod rollback;
mod rules;
mod run_cancel;
mod run_ends;
mod run_of_some;
mod side_by_side;
mod snapshots;
mod sync;
mod tenants;
mod undated;

/// The test that a child process runs.
const THE_CHILD: &str = "the_child_that_syncs";

/// Not a test by itself: what a child process of other tests runs.
#[tokio::test]
async fn the_child_that_syncs() {
    end_to_end::sync_as_child().await;
}
