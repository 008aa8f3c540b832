//! What is to be sent, what became of it, and what is known of the lines it concerns.

pub(crate) mod answer;
pub(crate) mod due_days;
pub(crate) mod hand_out;
pub(crate) mod intent;
pub(crate) mod intents;
pub(crate) mod intents_read;
pub(crate) mod lines;
pub(crate) mod lines_seen;
pub(crate) mod passed;
pub(crate) mod rejections;
pub(crate) mod transition;
