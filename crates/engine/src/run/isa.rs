//! Which instruction set the kernels of a session use.
//!
//! The set is chosen once and is part of a run's record, because rounding may differ between sets.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// An instruction set for which the kernels are compiled.
///
/// The order is from the narrowest to the widest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// Whatever the build targets; multiply and add are two roundings.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ, VL, besides AVX2 and FMA.
    Avx512,
}

impl Isa {
    /// Every set, narrowest first, present on this machine or not.
    pub const ALL: [Isa; 3] = [Isa::Portable, Isa::Avx2, Isa::Avx512];

    /// The widest set of this machine; looked up once in a process.
    pub fn detect() -> Isa {
        static DETECTED: OnceLock<Isa> = OnceLock::new();
        *DETECTED.get_or_init(|| Isa::available().pop().unwrap_or(Isa::Portable))
    }

    /// Every set this machine can run, narrowest first.
    pub fn available() -> Vec<Isa> {
        Isa::ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// Whether this machine can run kernels of this set.
    ///
    /// Every safe function that takes an `Isa` and calls code compiled for it checks this first:
    /// anybody can write down `Isa::Avx512`.
    #[inline]
    pub fn is_available(self) -> bool {
        match self {
            Isa::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("fma")
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                Isa::Avx2.is_available()
                    && std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512bw")
                    && std::arch::is_x86_feature_detected!("avx512dq")
                    && std::arch::is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => false,
        }
    }

    /// Panics unless this machine can run the set: the check before every call of code compiled for it.
    #[inline]
    pub(crate) fn assert_available(self) {
        assert!(self.is_available(), "this machine has no {self} instructions");
    }

    /// Whether a multiplication and the addition after it are rounded once in this set's kernels.
    pub fn fuses_multiply_add(self) -> bool {
        self != Isa::Portable
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Isa::Portable => "portable",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        })
    }
}

/// A name that is none of "portable", "avx2", "avx512".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownIsa(pub String);

impl fmt::Display for UnknownIsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown instruction set {:?}: use portable, avx2 or avx512", self.0)
    }
}

impl std::error::Error for UnknownIsa {}

impl FromStr for Isa {
    type Err = UnknownIsa;

    fn from_str(name: &str) -> Result<Self, UnknownIsa> {
        Isa::ALL
            .into_iter()
            .find(|isa| isa.to_string() == name)
            .ok_or_else(|| UnknownIsa(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portable_is_always_available_and_the_widest_is_detected() {
        let available = Isa::available();
        assert_eq!(available[0], Isa::Portable);
        assert_eq!(available.last(), Some(&Isa::detect()));
        assert!(available.is_sorted());
    }

    #[test]
    fn names_read_back() {
        for isa in Isa::ALL {
            assert_eq!(isa.to_string().parse(), Ok(isa));
        }
        assert_eq!("sse".parse::<Isa>(), Err(UnknownIsa("sse".into())));
    }
}
