//! The catalogue of what is printed while the program works.

mod describe;
mod looking;
mod program;
mod results;
mod rows;
mod training;
mod words;

macro_rules! texts {
    ($( $key:ident($($placeholder:ident),*) { $english:literal $korean:literal } )*) => {
        impl Text {
            $(
                #[doc = concat!("“", $english, "”")]
                pub fn $key(self $(, $placeholder: impl Display)*) -> String {
                    match self.lang {
                        Lang::English => format!($english $(, $placeholder = $placeholder)*),
                        Lang::Korean => format!($korean $(, $placeholder = $placeholder)*),
                    }
                }
            )*
        }

        pub(super) const TEXTS: &[(&str, &str, &str)] =
            &[$((stringify!($key), $english, $korean)),*];
    };
}
use texts;

/// Every text, theme by theme: its key, English, Korean.
pub const CATALOGUE: [&[(&str, &str, &str)]; 7] = [
    training::TEXTS,
    results::TEXTS,
    describe::TEXTS,
    looking::TEXTS,
    rows::TEXTS,
    words::TEXTS,
    program::TEXTS,
];
