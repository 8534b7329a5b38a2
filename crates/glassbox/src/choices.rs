//! Closed sets of kinds, each with its settings: optimisers, schedules, activations and the like.

/// A setting of a kind, to be read or written.
pub(crate) enum Setting<'a> {
    /// A number, and which numbers are allowed.
    Number(&'a mut f64, Bound),
    /// A whole number of at least 1.
    Whole(&'a mut u64),
    /// Yes or no.
    Flag(&'a mut bool),
}

/// Which numbers a setting takes; all are finite.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    /// Any.
    Any,
    /// Above 0.
    Positive,
    /// 0 or more.
    NotNegative,
    /// From 0 to below 1.
    Share,
    /// From 0 to 1.
    Portion,
}

/// What [`choices!`] makes: in a configuration a word (`"relu"`) or, where settings are wanted, a
/// table (`{ kind = "leaky_relu", slope = 0.2 }`).
pub(crate) trait Choice: Copy + PartialEq + 'static {
    /// Every kind with its default settings.
    const ALL: &'static [Self];

    /// The word for the kind.
    fn word(self) -> &'static str;

    /// The kind's settings by name.
    fn settings(&mut self) -> Vec<(&'static str, Setting<'_>)>;
}

/// The type of a setting, by its bound.
macro_rules! setting_type {
    (flag) => {
        bool
    };
    (whole) => {
        u64
    };
    ($number:ident) => {
        f64
    };
}

macro_rules! setting {
    (flag, $at:expr) => {
        $crate::choices::Setting::Flag($at)
    };
    (whole, $at:expr) => {
        $crate::choices::Setting::Whole($at)
    };
    (portion, $at:expr) => {
        $crate::choices::Setting::Number($at, $crate::choices::Bound::Portion)
    };
    (any, $at:expr) => {
        $crate::choices::Setting::Number($at, $crate::choices::Bound::Any)
    };
    (positive, $at:expr) => {
        $crate::choices::Setting::Number($at, $crate::choices::Bound::Positive)
    };
    (not_negative, $at:expr) => {
        $crate::choices::Setting::Number($at, $crate::choices::Bound::NotNegative)
    };
    (share, $at:expr) => {
        $crate::choices::Setting::Number($at, $crate::choices::Bound::Share)
    };
}

/// A closed set of kinds. A setting is written `name: bound = default`; bounds are `positive`,
/// `not_negative`, `share`, `portion`, `any` (f64), `whole` (u64) and `flag` (bool).
macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $(
        $(#[$kind_doc:meta])* $kind:ident = $word:literal
        $({ $($(#[$setting_doc:meta])* $setting:ident: $bound:ident = $default:expr,)* })?,
    )* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum $name { $(
            $(#[$kind_doc])*
            $kind $({ $($(#[$setting_doc])* $setting: $crate::choices::setting_type!($bound),)* })?,
        )* }

        impl $name {
            /// Every kind with its default settings, in the order in which they are offered.
            pub const ALL: &'static [$name] = &[$($name::$kind $({ $($setting: $default),* })?),*];

            /// The word that stands for its kind in a configuration.
            pub fn word(self) -> &'static str {
                match self { $($name::$kind { .. } => $word,)* }
            }

            /// The kind that a word stands for, with its default settings.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.word() == word)
            }
        }

        impl $crate::choices::Choice for $name {
            const ALL: &'static [Self] = $name::ALL;

            fn word(self) -> &'static str {
                $name::word(self)
            }

            fn settings(&mut self) -> Vec<(&'static str, $crate::choices::Setting<'_>)> {
                match self { $(
                    $name::$kind $({ $($setting),* })? => vec![$($(
                        (stringify!($setting), $crate::choices::setting!($bound, $setting)),
                    )*)?],
                )* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                $crate::choices::serialize(*self, to)
            }
        }
    };
}
pub(crate) use {choices, setting, setting_type};

/// A kind without settings as its word, others as a map with `kind` first.
pub(crate) fn serialize<C: Choice, S: serde::Serializer>(
    mut choice: C,
    to: S,
) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap;
    let word = choice.word();
    let settings = choice.settings();
    if settings.is_empty() {
        return to.serialize_str(word);
    }
    let mut map = to.serialize_map(Some(1 + settings.len()))?;
    map.serialize_entry("kind", word)?;
    for (name, setting) in settings {
        match setting {
            Setting::Number(number, _) => map.serialize_entry(name, number)?,
            Setting::Whole(number) => map.serialize_entry(name, number)?,
            Setting::Flag(flag) => map.serialize_entry(name, flag)?,
        }
    }
    map.end()
}
