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
    /// Ends the process.
    Exits = "exits",
    /// A million fields.
    ManyFields = "many-fields",
    /// Makes a request and stores a value; what came of both is in the label.
    Meddles = "meddles",
    /// Another version each time, by randomness.
    Differs = "differs",
    /// Another version each time, by either clock.
    Clocks = "clocks",
    /// Another version each time that it is asked within one instance.
    Counts = "counts",
    /// All that a description must not have, at once: each compilation takes a second.
    Nonsense = "nonsense",
    /// Fair, and with a token got at its base address instead of a password.
    Token = "token",
    /// A token address that is built from a text field alone: anywhere.
    TokenAnywhere = "token-anywhere",
}
