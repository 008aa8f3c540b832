//! Faults that carry a request out properly and then spoil its answer.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};

use crate::answer::Answer;
use crate::fault::FaultKind;

/// Spoils an answer; faults that are not of this sort change nothing.
pub(crate) fn spoil(answer: &mut Answer, fault: &FaultKind, own_url: &str) {
    match fault {
        FaultKind::Truncated { close: false } => answer.body.truncate(answer.body.len() / 2),
        FaultKind::Gzip => compress(answer),
        FaultKind::WithErrors { text } => change(answer, |json| json["errors"] = json!([text])),
        FaultKind::RepeatCursor => change(answer, |json| {
            if let Some(details) = json.get_mut("pageDetails") {
                details["nextPageUrl"] = json!(own_url);
            }
        }),
        _ => change_rows(answer, fault),
    }
}

fn change_rows(answer: &mut Answer, fault: &FaultKind) {
    change(answer, |json| {
        let Some(Json::Array(rows)) = json.get_mut("items") else {
            return;
        };
        spoil_rows(rows, fault);
        let count = rows.len();
        if let Some(details) = json.get_mut("pageDetails") {
            details["count"] = json!(count);
            if matches!(fault, FaultKind::EmptyList) {
                details["nextPageUrl"] = Json::Null;
            }
        }
    });
}

fn spoil_rows(rows: &mut Vec<Json>, fault: &FaultKind) {
    match fault {
        FaultKind::EmptyList => rows.clear(),
        FaultKind::SkipRow => {
            rows.drain(..rows.len().min(1));
        }
        FaultKind::RepeatRow => {
            if let Some(first) = rows.first().cloned() {
                rows.insert(0, first);
            }
        }
        FaultKind::MissingRows { ids } => {
            rows.retain(|row| row["id"].as_i64().is_none_or(|id| !ids.contains(&id)));
        }
        FaultKind::NullFields { fields } => {
            for row in rows {
                for field in fields {
                    row[field.as_str()] = Json::Null;
                }
            }
        }
        FaultKind::SetFields { fields } => {
            for row in rows {
                for (field, value) in fields {
                    row[field.as_str()] = value.clone();
                }
            }
        }
        FaultKind::UnknownFields => {
            for row in rows {
                row["aFieldOfNextYear"] = json!({"nested": [1, 2, 3]});
                row["anotherOne"] = json!("text");
            }
        }
        _ => {}
    }
}

fn change(answer: &mut Answer, edit: impl FnOnce(&mut Json)) {
    if let Ok(mut json) = serde_json::from_slice::<Json>(&answer.body)
        && json.is_object()
    {
        edit(&mut json);
        answer.body = json.to_string().into_bytes();
    }
}

fn compress(answer: &mut Answer) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    if encoder.write_all(&answer.body).is_ok()
        && let Ok(body) = encoder.finish()
    {
        answer.body = body;
        answer.headers.push(("content-encoding", "gzip".to_owned()));
    }
}
