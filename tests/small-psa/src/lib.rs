//! A PSA as small as one can be that takes no date with a quantity: agreements with additions,
//! each with one number, and invoices that it makes as its days go by. What it is modelled on
//! is ConnectWise PSA: a quantity is replaced by a JSON patch, what was is not kept, and an
//! agreement says when its next invoice is made.
//!
//! Tests look at its invoices: what was billed is the only proof of what a connector did.
#![forbid(unsafe_code)]

mod books;
mod server;

pub use books::{Addition, Agreement, Billed, Bills, Books, Patch, Periods};
pub use server::{PatchFault, SmallPsa};
