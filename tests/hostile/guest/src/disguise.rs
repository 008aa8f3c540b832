//! What `describe` does. No setting reaches it, so the choice stands in the file: a
//! mark of fixed length that a test overwrites before it loads the plugin.

/// What stands before the name of the disguise in the file.
pub const MARK_START: &str = "hostile-describe-as:";
/// The whole mark: start, name, and dots to the end.
pub const MARK_BYTES: usize = 48;

macro_rules! disguises {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// One way to answer `describe`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Disguise {
            $($(#[$doc])* $name,)*
        }

        impl Disguise {
            /// As it stands in the mark.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The disguise with this name.
            #[must_use]
            pub fn of(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

disguises! {
    /// A fair description.
    Honest = "honest",
    /// Never comes back.
    Loops = "loops",
    /// Panics.
    Panics = "panics",
    /// Ends the process.
    Exits = "exits",
    /// Recurses until the stack ends.
    Recurses = "recurses",
    /// Asks for memory until there is none.
    TakesMemory = "takes-memory",
    /// Makes a request and puts what came of it into the label.
    Requests = "requests",
    /// Stores a value and puts what came of it into the label.
    Stores = "stores",
    /// Another version each time.
    Differs = "differs",
    /// A million fields.
    ManyFields = "many-fields",
    /// A label of 100 MB.
    LongLabel = "long-label",
    /// Escapes, line breaks and a reversed reading direction in what people read.
    Painted = "painted",
    /// Asks for the host `*`.
    EveryHost = "every-host",
    /// Asks for `*.com`.
    EveryCompany = "every-company",
    /// Asks for an address instead of a name.
    AddressAsHost = "address-as-host",
    /// A template that is not closed.
    OpenTemplate = "open-template",
    /// A template with a field that is not declared.
    UnknownField = "unknown-field",
    /// A line break in a declared header.
    SplitHeader = "split-header",
    /// Declares the header `host` as authentication.
    ReservedHeader = "reserved-header",
    /// The same field key as a setting and as a secret.
    SameKeyTwice = "same-key-twice",
    /// A token address that is built from a text field alone: anywhere.
    TokenAnywhere = "token-anywhere",
    /// A declared read and write that are the same.
    WriteAsRead = "write-as-read",
    /// Limits of nothing at once.
    NoLimits = "no-limits",
    /// A name that is a path.
    NamedLikeAPath = "named-like-a-path",
}
