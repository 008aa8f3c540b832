//! What a component imports and exports, read from its file without compiling it.

use wasmparser::{Encoding, Parser, Payload};

use crate::LoadError;

/// Imports or exports: an honest component has some thirty.
const MOST: usize = 1_000;

/// The names of a component's own imports and exports, not of those inside it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

impl Names {
    /// Read them.
    ///
    /// # Errors
    /// A file that is damaged before its last section, or has more names than make sense.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, LoadError> {
        let invalid = |error: wasmparser::BinaryReaderError| {
            LoadError::Invalid(crate::text::words(&error.to_string()))
        };
        let mut names = Self::default();
        // How deep inside it: a module or component within has names of its own.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(invalid)? {
                Payload::Version {
                    encoding: Encoding::Module,
                    ..
                } if depth == 0 => return Err(LoadError::NotComponent),
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let name = import.map_err(invalid)?.name.name.to_owned();
                        names.imports.push(name);
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let name = export.map_err(invalid)?.name.name.to_owned();
                        names.exports.push(name);
                    }
                }
                _ => {}
            }
            if names.imports.len() + names.exports.len() > MOST {
                let text = format!("it has more than {MOST} imports and exports");
                return Err(LoadError::Invalid(text));
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_the_component_itself_are_read() {
        let file = wat::parse_str(
            r#"(component
                (component (import "inner" (func)))
                (core module (import "a" "b" (func)))
                (import "wasi:cli/exit@0.2.0" (instance))
                (export "out" (instance 0)))"#,
        );
        let names = Names::of(&file.unwrap()).unwrap();
        assert_eq!(names.imports, ["wasi:cli/exit@0.2.0"]);
        assert_eq!(names.exports, ["out"]);
    }
}
