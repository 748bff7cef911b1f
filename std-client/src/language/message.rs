//! The macro that formats a text.

/// Formats a text of the language files: its identifier, and a value for each placeholder. As in
/// `tracing`, `%` is in front of a value that is displayed (`Display`), and `name` alone is the
/// variable with this name. Other values are texts, and numbers, which the form of a text may
/// depend on.
///
/// ```ignore
/// message!("no-response", server = %places, seconds)
/// ```
macro_rules! message {
    ($id:literal $(, $($arguments:tt)*)?) => {
        $crate::language::format(
            $id,
            &$crate::language::message!(@add $crate::language::Arguments::new(), $($($arguments)*)?),
        )
    };
    (@add $all:expr,) => { $all };
    (@add $all:expr, % $name:ident $(, $($rest:tt)*)?) => {
        $crate::language::message!(@add $all.with(stringify!($name), $name.to_string()), $($($rest)*)?)
    };
    (@add $all:expr, $name:ident = % $value:expr $(, $($rest:tt)*)?) => {
        $crate::language::message!(@add $all.with(stringify!($name), $value.to_string()), $($($rest)*)?)
    };
    (@add $all:expr, $name:ident = $value:expr $(, $($rest:tt)*)?) => {
        $crate::language::message!(@add $all.with(stringify!($name), $value), $($($rest)*)?)
    };
    (@add $all:expr, $name:ident $(, $($rest:tt)*)?) => {
        $crate::language::message!(@add $all.with(stringify!($name), $name), $($($rest)*)?)
    };
}

pub(crate) use message;
