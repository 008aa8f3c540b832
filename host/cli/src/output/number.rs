//! Quantities in sentences, with their noun.

/// `1 workspace`, `2 workspaces`.
pub fn number_of<N: std::fmt::Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        let said = [0_u64, 1, 2].map(|count| number_of(count, "line"));
        assert_eq!(said, ["0 lines", "1 line", "2 lines"]);
    }
}
