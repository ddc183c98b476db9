//! What the agent may do: a list of operations, and to stop.

use dodge_imaging::Operation;

use crate::Error;

/// The actions of an agent. The indices below the number of operations are these operations; the one after them is
/// *stop*.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionSet {
    operations: Vec<Operation>,
}

impl ActionSet {
    /// Reads the operations from their text forms.
    ///
    /// # Errors
    /// [`Error::Configuration`] for an unknown or repeated operation, for none at all, and for one that changes the
    /// size of the photo: its result could not be compared with the original.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Configuration { section: "environment.actions", reason };
        let mut operations: Vec<Operation> = Vec::new();
        for text in texts {
            let operation: Operation =
                text.as_ref().parse().map_err(|e: dodge_imaging::Error| invalid(e.to_string()))?;
            if operation.changes_size() {
                return Err(invalid(format!(
                    "`{operation}` changes the size of the photo, so fidelity cannot be measured"
                )));
            }
            if operations.contains(&operation) {
                return Err(invalid(format!("`{operation}` is listed twice")));
            }
            operations.push(operation);
        }
        if operations.is_empty() {
            return Err(invalid("at least one operation is needed".into()));
        }
        Ok(Self { operations })
    }

    /// Number of actions: the operations and *stop*.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len() + 1
    }

    /// Never true: there is always *stop*.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The operations, in the order of their indices.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation of an action; none for *stop*.
    #[must_use]
    pub fn operation(&self, action: usize) -> Option<&Operation> {
        self.operations.get(action)
    }

    /// The index of *stop*.
    #[must_use]
    pub fn stop(&self) -> usize {
        self.operations.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_operations_are_valid() {
        let actions = ActionSet::parse(&crate::EnvironmentParams::default().actions).unwrap();
        assert_eq!((actions.len(), actions.stop()), (21, 20));
        assert_eq!(actions.operation(20), None);
        assert_eq!(actions.operation(2).unwrap().to_string(), "lightness:30");
    }

    #[test]
    fn wrong_lists_are_refused() {
        let message = |texts: &[&str]| ActionSet::parse(texts).unwrap_err().to_string();
        assert!(message(&[]).contains("at least one operation"));
        assert!(message(&["gamma:1.2", "gamma:1.2"]).contains("listed twice"));
        assert!(message(&["crop:1x1"]).contains("changes the size"));
        assert!(message(&["glow:1"]).contains("unknown operation `glow:1`"));
    }
}
