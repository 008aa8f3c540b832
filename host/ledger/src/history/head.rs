//! The end of a chain as one short text, `SEQ@CHAIN:HEX`: printed in each report, so that it
//! can be kept where nobody who changes the ledger can change it too.

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::chain::Chain;

/// Where a chain ends: kept elsewhere, it shows a cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryHead {
    /// The last entry, from 1.
    pub seq: i64,
    /// Its hash.
    pub hash: [u8; 32],
    /// The chain it stands in. The former one's heads are `SEQ:HEX`.
    pub chain: Chain,
}

/// A text that is no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a head is SEQ@CHAIN:HEX as a report prints it: the number of an entry, its chain \
     (`installation` or `channel/ID`), and its hash as 64 hexadecimal digits; or SEQ:HEX as \
     earlier versions printed it"
)]
pub struct NoHead;

impl fmt::Display for HistoryHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seq)?;
        if self.chain != Chain::Former {
            write!(f, "@{}", self.chain)?;
        }
        write!(f, ":{}", hex::encode(self.hash))
    }
}

impl FromStr for HistoryHead {
    type Err = NoHead;
    fn from_str(text: &str) -> Result<Self, NoHead> {
        // A channel's id may have a colon in it, a hash has none.
        let (entry, hash) = text.trim().rsplit_once(':').ok_or(NoHead)?;
        let (seq, chain) = match entry.split_once('@') {
            Some((seq, chain)) => (seq, chain.parse().map_err(|_| NoHead)?),
            None => (entry, Chain::Former),
        };
        let digits = seq.bytes().all(|byte| byte.is_ascii_digit());
        let seq = seq.parse().ok().filter(|seq| digits && *seq >= 1);
        let mut head = Self {
            seq: seq.ok_or(NoHead)?,
            hash: [0; 32],
            chain,
        };
        hex::decode_to_slice(hash, &mut head.hash).map_err(|_| NoHead)?;
        Ok(head)
    }
}

impl schemars::JsonSchema for HistoryHead {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HistoryHead".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "properties": {
                "seq": { "type": "integer" },
                "chain": { "type": "string" },
                "hash": { "type": "string" },
            },
            "required": ["seq", "chain", "hash"],
        })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// `{"seq": 12, "chain": "channel/msp-1", "hash": "<hex>"}`
impl Serialize for HistoryHead {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut head = serializer.serialize_struct("HistoryHead", 3)?;
        head.serialize_field("seq", &self.seq)?;
        head.serialize_field("chain", &self.chain)?;
        head.serialize_field("hash", &hex::encode(self.hash))?;
        head.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_printed_and_nothing_else_is_one() {
        let hash = "0b".repeat(32);
        let printed = format!("12:{hash}");
        let head: HistoryHead = printed.parse().unwrap();
        assert_eq!((head.seq, head.hash), (12, [11; 32]));
        assert_eq!(head.chain, Chain::Former);
        assert_eq!(head.to_string(), printed);
        for chain in [
            "installation",
            "channel/msp",
            "channel/a@b:c/d",
            "channel/installation",
        ] {
            let printed = format!("12@{chain}:{hash}");
            let head: HistoryHead = printed.parse().unwrap();
            assert_eq!((head.seq, head.hash), (12, [11; 32]));
            assert_eq!(head.chain.to_string(), chain);
            assert_eq!(head.to_string(), printed);
            assert_eq!(
                serde_json::to_string(&head).unwrap(),
                format!(r#"{{"seq":12,"chain":"{chain}","hash":"{hash}"}}"#)
            );
        }
        for text in [
            String::new(),
            hash.clone(),
            format!("0:{hash}"),
            format!("-1:{hash}"),
            format!("+1:{hash}"),
            format!("1:{}", &hash[2..]),
            format!("1:{hash}00"),
            format!("1@:{hash}"),
            format!("1@msp:{hash}"),
            format!("1@channel/:{hash}"),
            format!("99999999999999999999:{hash}"),
        ] {
            assert_eq!(text.parse::<HistoryHead>(), Err(NoHead), "{text}");
        }
    }
}
