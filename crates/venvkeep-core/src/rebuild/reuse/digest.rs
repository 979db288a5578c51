//! The hashes of bytes as they go by.

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::model::record::{HashAlgorithm, RecordHash};

/// As many hashes as the rows about one file ask for; usually that is one.
#[derive(Default)]
pub(super) struct Hashers {
    sha256: Option<Sha256>,
    sha384: Option<Sha384>,
    sha512: Option<Sha512>,
}

/// Their results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digests(Vec<(HashAlgorithm, Vec<u8>)>);

impl Hashers {
    pub(super) fn for_hashes<'a>(hashes: impl Iterator<Item = &'a RecordHash>) -> Self {
        let mut hashers = Self::default();
        for hash in hashes {
            match hash {
                RecordHash::Known { algorithm: HashAlgorithm::Sha256, .. } => {
                    hashers.sha256.get_or_insert_default();
                }
                RecordHash::Known { algorithm: HashAlgorithm::Sha384, .. } => {
                    hashers.sha384.get_or_insert_default();
                }
                RecordHash::Known { algorithm: HashAlgorithm::Sha512, .. } => {
                    hashers.sha512.get_or_insert_default();
                }
                RecordHash::Unknown(_) => {}
            }
        }
        hashers
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.sha256 {
            hasher.update(bytes);
        }
        if let Some(hasher) = &mut self.sha384 {
            hasher.update(bytes);
        }
        if let Some(hasher) = &mut self.sha512 {
            hasher.update(bytes);
        }
    }

    pub(super) fn finish(self) -> Digests {
        let sha256 = self.sha256.map(|hasher| (HashAlgorithm::Sha256, hasher.finalize().to_vec()));
        let sha384 = self.sha384.map(|hasher| (HashAlgorithm::Sha384, hasher.finalize().to_vec()));
        let sha512 = self.sha512.map(|hasher| (HashAlgorithm::Sha512, hasher.finalize().to_vec()));
        Digests([sha256, sha384, sha512].into_iter().flatten().collect())
    }
}

impl Digests {
    /// Whether the bytes were those of the hash; a hash of another kind says nothing against them.
    pub(super) fn fit(&self, hash: Option<&RecordHash>) -> bool {
        match hash {
            Some(RecordHash::Known { algorithm, digest }) => {
                self.0.iter().any(|(own, made)| own == algorithm && made == digest)
            }
            Some(RecordHash::Unknown(_)) | None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hashers, RecordHash};

    #[test]
    fn every_algorithm_tells_bytes_apart() {
        let hashes = [
            "sha256=ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0",
            "sha384=ywB1P0WjXou1oD1pmsZQBycsMqsO3tFjGotgWkP_W-2AhgcroefMI1i67KE0yCWn",
            "sha512=3a81oZNherrMQXNJriBBMRLm-k6JqX6iCp7u5ktV05ohkpkqJ0_BqDa6PCOj_uu9RU1EI2Q86A4qmslPpUyknw",
            "md5=kAFQmDzST7DWlj99KOF_cg",
        ]
        .map(|text| RecordHash::parse(text).unwrap());
        let digests = |bytes: &[u8]| {
            let mut hashers = Hashers::for_hashes(hashes.iter());
            bytes.chunks(2).for_each(|chunk| hashers.update(chunk));
            hashers.finish()
        };
        assert!(hashes.iter().all(|hash| digests(b"abc").fit(Some(hash))));
        let others = hashes.iter().filter(|hash| digests(b"abd").fit(Some(hash)));
        assert_eq!(others.count(), 1, "an unknown algorithm says nothing");
    }
}
