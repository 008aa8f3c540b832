//! `--set KEY=VALUE` and `--secret KEY=@FILE`: a secret itself never stands on the
//! command line, where every user of the machine and the shell's history see it.

use std::str::FromStr;

use clap::Args;

#[derive(Debug, Default, Args)]
pub struct ValueArgs {
    /// A setting; an empty value takes it away
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<Assignment>,
    /// A secret, from a file or (KEY=-) from standard input; KEY alone asks for it
    #[arg(long = "secret", value_name = "KEY=@FILE|-")]
    pub secrets: Vec<SecretArg>,
}

/// `KEY=VALUE`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    pub key: String,
    pub value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("a setting is given as KEY=VALUE".to_owned()),
        }
    }
}

/// A secret's key, and where it comes from.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretArg {
    pub key: String,
    pub source: SecretSource,
}

/// Shows no value: a mistaken one is never kept in the first place.
impl std::fmt::Debug for SecretArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={:?}", self.key, self.source)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    File(String),
    StandardInput,
    Ask,
    /// The secret itself was given. Not an error of parsing, because clap would repeat it.
    CommandLine,
}

impl FromStr for SecretArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, source) = match text.split_once('=') {
            None => (text, SecretSource::Ask),
            Some((key, "-")) => (key, SecretSource::StandardInput),
            Some((key, from)) => match from.strip_prefix('@') {
                Some(file) if !file.is_empty() => (key, SecretSource::File(file.to_owned())),
                _ => (key, SecretSource::CommandLine),
            },
        };
        Ok(Self {
            key: key.to_owned(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_a_file_standard_input_or_a_person() {
        let source = |text: &str| text.parse::<SecretArg>().unwrap().source;
        assert_eq!(source("a=@b/c=d"), SecretSource::File("b/c=d".to_owned()));
        assert_eq!(source("a=-"), SecretSource::StandardInput);
        assert_eq!(source("a"), SecretSource::Ask);
        assert_eq!(source("a=hunter2"), SecretSource::CommandLine);
        assert_eq!(source("a=@"), SecretSource::CommandLine);
    }

    #[test]
    fn a_secret_given_by_mistake_is_not_kept() {
        let arg: SecretArg = "secret=hunter2".parse().unwrap();
        assert!(!format!("{arg:?}").contains("hunter2"));
    }
}
