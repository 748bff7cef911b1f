//! An option whose `None` is all zero bytes, so that an idle client is all zero and a static one
//! is in `.bss`.

/// As [`Option`], but always with a tag: `Option` may put its `None` into a bit pattern that
/// `T` does not use, and that pattern is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum ZeroOption<T> {
    None,
    Some(T),
}

impl<T> ZeroOption<T> {
    pub(super) const fn is_some(&self) -> bool {
        matches!(self, Self::Some(_))
    }

    pub(super) const fn as_ref(&self) -> Option<&T> {
        match self {
            Self::None => None,
            Self::Some(value) => Some(value),
        }
    }

    pub(super) fn take(&mut self) -> Option<T> {
        core::mem::replace(self, Self::None).into()
    }
}

impl<T: Copy> ZeroOption<T> {
    pub(super) fn get(&self) -> Option<T> {
        self.as_ref().copied()
    }
}

impl<T> From<ZeroOption<T>> for Option<T> {
    fn from(value: ZeroOption<T>) -> Self {
        match value {
            ZeroOption::None => None,
            ZeroOption::Some(value) => Some(value),
        }
    }
}

impl<T> From<Option<T>> for ZeroOption<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Self::Some)
    }
}
