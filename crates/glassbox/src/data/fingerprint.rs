/// A stable hash of data: FNV-1a (Fowler, Noll, Vo), 64 bits, the same in every build and machine.
///
/// It tells whether a run saw the same data; it is no protection against forgery.
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn new() -> Self {
        Fingerprint(0xcbf2_9ce4_8422_2325)
    }

    pub(super) fn bytes(&mut self, bytes: impl IntoIterator<Item = u8>) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    pub(super) fn sizes(&mut self, sizes: &[usize]) {
        for size in sizes {
            self.bytes((*size as u64).to_le_bytes());
        }
    }

    /// The hash itself.
    #[cfg(feature = "image")]
    pub(super) fn value(&self) -> u64 {
        self.0
    }

    /// 16 hexadecimal digits.
    pub(super) fn hex(&self) -> String {
        format!("{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_published_ones() {
        // Test vectors of FNV's authors (isthe.com/chongo/src/fnv/test_fnv.c).
        let hash = |text: &str| {
            let mut fingerprint = Fingerprint::new();
            fingerprint.bytes(text.bytes());
            fingerprint.hex()
        };
        assert_eq!(hash(""), "cbf29ce484222325");
        assert_eq!(hash("a"), "af63dc4c8601ec8c");
        assert_eq!(hash("foobar"), "85944171f73967e8");
    }
}
