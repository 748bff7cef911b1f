//! An error that several places keep.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A shared error. Two are equal if they are displayed the same: errors of the operating system
/// have no comparison.
#[derive(Debug)]
pub struct SharedError<E>(Arc<E>);

impl<E> From<E> for SharedError<E> {
    fn from(error: E) -> Self {
        Self(Arc::new(error))
    }
}

impl<E> From<&Arc<E>> for SharedError<E> {
    fn from(error: &Arc<E>) -> Self {
        Self(Arc::clone(error))
    }
}

impl<E> Clone for SharedError<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E> Deref for SharedError<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.0
    }
}

impl<E: Error> PartialEq for SharedError<E> {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl<E: Error> Eq for SharedError<E> {}

impl<E: Error> fmt::Display for SharedError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: Error> Error for SharedError<E> {}
