//! What was found and decided, in words for `explain`.

use super::{Decision, PlanLine};
use crate::contract_choice::ChosenLine;
use crate::{Money, Segment, Timeline, Truth};

pub(super) fn place_in_words(place: &ChosenLine<'_>) -> String {
    let ChosenLine {
        contract,
        line,
        follows,
    } = place;
    let follows = follows
        .map(|ended| format!(", following {} ({})", ended.id, ended.name))
        .unwrap_or_default();
    format!(
        "contract {} ({}){follows}, line {} for service {}",
        contract.id, contract.name, line.key.line, line.key.service
    )
}

/// Neighbours with the same quantity as one.
pub(super) fn timeline_in_words(timeline: &Timeline) -> String {
    let same = |a: &Segment, b: &Segment| (a.units, a.posted) == (b.units, b.posted);
    let stretch = |segments: &[Segment]| {
        let (first, last) = (segments.first()?, segments.last()?);
        let posted = match first.posted {
            Truth::Yes => ", posted",
            Truth::No => "",
            Truth::Unknown => ", perhaps posted",
        };
        let (units, start) = (first.units, first.start);
        Some(match last.end {
            Some(end) => format!("{units} from {start} to {end}{posted}"),
            None => format!("{units} from {start} on{posted}"),
        })
    };
    let all: Vec<String> = timeline
        .segments()
        .chunk_by(same)
        .filter_map(stretch)
        .collect();
    all.join("; ")
}

pub(super) fn in_words(line: &PlanLine) -> String {
    let change = match (line.baseline, line.target) {
        (Some(baseline), Some(target)) => {
            format!("{baseline} → {target} from {} on", line.effective)
        }
        _ => String::new(),
    };
    match &line.decision {
        Decision::Unchanged => "the line is left as it is".to_owned(),
        Decision::Adjust => format!("post {change}"),
        Decision::Gather { not_before } => format!("post {change}, not before {not_before}"),
        Decision::Ask(reasons) => {
            let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            format!("ask a person about {change}: {}", reasons.join("; "))
        }
        Decision::Hold(hold) => format!("held, {}: {}", hold.code, hold.message),
    }
}

pub(super) fn shown(money: Option<&Money>) -> String {
    money.map_or("an unknown price".to_owned(), ToString::to_string)
}
